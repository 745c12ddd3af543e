"""Who writes the better prompts: every generator's record and rating, in groups that can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.ratings import Rating, components, paired_counts, rate_counts
from app.storage import endpoints, records
from app.storage.endpoints import Endpoint
from app.storage.records import Proposals


@dataclass(frozen=True)
class GeneratorRow:
    """`best` and `worst` are the places it may hold among its group, None while provisional or without a battle."""

    endpoint_id: str
    name: str
    simulated: bool
    battles: int
    wins: int
    ties: int
    losses: int
    proposals: int
    invalid: int
    entered: int
    rating: float | None
    low: float | None
    high: float | None
    provisional: bool
    best: int | None
    worst: int | None


@dataclass(frozen=True)
class Meeting:
    """How often `row` beat, tied and lost to `column`."""

    row: str
    column: str
    won: int
    tied: int
    lost: int


@dataclass(frozen=True)
class Board:
    """Groups of generators that a chain of battles joins, the largest first, then those without a battle."""

    groups: list[list[GeneratorRow]]
    unrated: list[GeneratorRow]
    meetings: list[Meeting]
    battles: int


def board(session: Session, project_id: str | None = None) -> Board:
    """Over all campaigns, or those of one project; a generator without a settled round is not on it."""
    names = {endpoint.id: endpoint for endpoint in endpoints.listed(session)}
    counted = records.battles(session, project_id)
    made = records.proposals(session, project_id)
    ratings = {rating.name: rating for rating in rate_counts(counted)}
    pairs = paired_counts(counted)
    groups = sorted(components(pairs), key=lambda group: (-len(group), group))
    unrated = sorted((names[one] for one in made.keys() - ratings.keys()), key=lambda endpoint: endpoint.full_name)
    none = Proposals(0, 0, 0)
    return Board(
        groups=[_group([ratings[one] for one in group], names, made) for group in groups],
        unrated=[_row(endpoint, None, made.get(endpoint.id, none)) for endpoint in unrated],
        meetings=[meeting for pair, counts in pairs.items() for meeting in _meetings(pair, counts, names)],
        battles=sum(sum(counts) for counts in pairs.values()),
    )


def _meetings(
    pair: tuple[str, str], counts: tuple[int, int, int], names: Mapping[str, Endpoint]
) -> tuple[Meeting, Meeting]:
    first, second = (names[one].full_name for one in pair)
    won, lost, tied = counts
    return Meeting(first, second, won, tied, lost), Meeting(second, first, lost, tied, won)


def _group(
    ratings: Sequence[Rating], names: Mapping[str, Endpoint], made: Mapping[str, Proposals]
) -> list[GeneratorRow]:
    """Best first; places only among those whose rating is no longer provisional."""
    settled = [rating for rating in ratings if not rating.provisional]
    return [
        _row(names[rating.name], rating, made.get(rating.name, Proposals(0, 0, 0)), settled)
        for rating in sorted(ratings, key=lambda rating: (-rating.rating, names[rating.name].full_name))
    ]


def places(rating: Rating, rivals: Sequence[Rating]) -> tuple[int, int]:
    """The best and the worst place that the intervals leave open."""
    better = sum(rival.low > rating.high for rival in rivals)
    worse = sum(rival.high < rating.low for rival in rivals)
    return better + 1, len(rivals) - worse


def _row(endpoint: Endpoint, rating: Rating | None, made: Proposals, settled: Sequence[Rating] = ()) -> GeneratorRow:
    place = places(rating, settled) if rating and not rating.provisional else (None, None)
    return GeneratorRow(
        endpoint_id=endpoint.id,
        name=endpoint.full_name,
        simulated=endpoint.simulated,
        battles=rating.battles if rating else 0,
        wins=rating.wins if rating else 0,
        ties=rating.ties if rating else 0,
        losses=rating.losses if rating else 0,
        proposals=made.made,
        invalid=made.refused,
        entered=made.entered,
        rating=rating.rating if rating else None,
        low=rating.low if rating else None,
        high=rating.high if rating else None,
        provisional=rating.provisional if rating else True,
        best=place[0],
        worst=place[1],
    )
