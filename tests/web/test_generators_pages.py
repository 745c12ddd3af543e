"""The board of generators: ratings with their intervals, ranges instead of ranks, nothing of undecided rounds."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.domain.ratings import Rating
from app.services.rating import Board, Meeting, board, places
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.rounds import Battle, Candidate, Round
from tests.web.arena_world import DUO, TRIO, Played, World


def rated(name: str, low: float, high: float) -> Rating:
    return Rating(name, 20, 10, 0, 10, (low + high) / 2, low, high, False)


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([(1000, 1100)], [(1, 1)]),
        ([(1100, 1200), (900, 1000)], [(1, 1), (2, 2)]),
        ([(1050, 1200), (900, 1100)], [(1, 2), (1, 2)]),
        ([(1200, 1300), (1000, 1150), (950, 1050), (800, 900)], [(1, 1), (2, 3), (2, 3), (4, 4)]),
    ],
)
def test_a_place_is_as_wide_as_the_intervals_leave_it_open(
    intervals: list[tuple[float, float]], expected: list[tuple[int, int]]
) -> None:
    ratings = [rated(str(index), *interval) for index, interval in enumerate(intervals)]
    assert [places(one, ratings) for one in ratings] == expected


def test_an_empty_board_has_one_thing_to_do(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    html = world.visitor().read("/generators")
    assert "No battle yet" in html
    assert html.count('<a class="btn"') == 1
    world.close()


def rows(world: World, project: str = "") -> dict[str, Any]:
    told: Any = world.visitor().json(f"/generators?project={project}")
    return {row["name"]: row for group in (*told["groups"], told["unrated"]) for row in group}


def test_the_record_of_a_finished_campaign_is_on_the_board(arena: Played) -> None:
    report: Any = arena.world.visitor().json(f"/campaigns/{arena.finished}/report")
    board = rows(arena.world)
    for expected in report["generators"]:
        if expected["battles"] or board.get(expected["name"]):
            kept = {key: board[expected["name"]][key] for key in expected}
            assert kept == expected
    html = arena.world.visitor().read("/generators")
    assert "provisional" in html
    assert "simulated" in html
    assert "<th scope" in html


class Counted(list[Meeting]):
    """A list that knows how often it was gone through."""

    times = 0

    def __iter__(self) -> Iterator[Meeting]:
        self.times += 1
        return super().__iter__()


def test_head_to_head_is_looked_up_and_not_searched_for_every_pair(
    arena: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards = []

    def counted(session: Session, project_id: str | None) -> Board:
        boards.append(replace(board(session, project_id), meetings=Counted(board(session, project_id).meetings)))
        return boards[-1]

    monkeypatch.setattr("app.web.pages.generators.board", counted)
    html = arena.world.visitor().read("/generators")
    meetings = boards[0].meetings
    assert isinstance(meetings, Counted)
    assert meetings.times == 1
    cells = re.findall(r'<td class="num">(\d+ · \d+ · \d+)</td>', html)
    assert len(cells) == len(meetings) > 1
    assert set(cells) == {f"{one.won} · {one.tied} · {one.lost}" for one in meetings}


def test_few_battles_give_no_place(arena: Played) -> None:
    board = rows(arena.world)
    assert board
    assert all(row["provisional"] and row["best"] is None for row in board.values())


def test_a_proposal_counts_when_its_round_is_decided_and_not_before(own: World, arena: Played) -> None:
    assert not set(DUO) & set(rows(own))
    with own.database.write() as session:
        here = Candidate.campaign_id == arena.undecided
        session.execute(update(Candidate).where(here).values(refusal_rule="too_long", prompt_version_id=None))
    assert not set(DUO) & set(rows(own))
    assert not [name for name in DUO if name in own.visitor().read("/generators")]
    with own.database.write() as session:
        session.execute(update(Round).where(Round.campaign_id == arena.undecided).values(settled=True))
    assert {rows(own)[name]["invalid"] for name in DUO} == {1}


def fight(world: World, campaign_id: str, left: str, right: str, outcomes: list[str], first: int) -> None:
    """Decided battles between two generators, as rows."""
    with world.database.write() as session:
        for number, outcome in enumerate(outcomes, start=first):
            session.add(Round(campaign_id=campaign_id, number=number, inputs={}, settled=True, settled_at=now()))
            session.add(Battle(campaign_id=campaign_id, round=number, left_endpoint_id=left, right_endpoint_id=right, outcome=outcome, rated=True))  # fmt: skip


def test_many_battles_make_a_range_and_then_a_place(own: World, arena: Played) -> None:
    first, second, third = (own.endpoint(name).id for name in TRIO)
    for start, pair in enumerate(((first, second), (second, third), (third, first)), start=1):
        fight(own, arena.finished, *pair, ["left", "right"] * 20, 100 * start)
    board = rows(own)
    assert [(board[name]["best"], board[name]["worst"], board[name]["provisional"]) for name in TRIO] == [(1, 3, False)] * 3  # fmt: skip
    assert "1–3" in own.visitor().read("/generators")
    fight(own, arena.finished, first, second, ["left"] * 99, 400)
    fight(own, arena.finished, first, third, ["left"] * 99, 500)
    board = rows(own)
    assert [(board[name]["best"], board[name]["worst"]) for name in TRIO] == [(1, 1), (2, 3), (2, 3)]


def test_generators_that_no_battle_joins_are_not_compared(own: World, arena: Played) -> None:
    with own.database.write() as session:
        provider = Provider(name="elsewhere", base_url="https://example.com/v1")
        session.add(provider)
        session.flush()
        pair = [Endpoint(provider_id=provider.id, name=name) for name in ("alpha", "beta")]
        session.add_all(pair)
        session.flush()
        alpha, beta = (one.id for one in pair)
    fight(own, arena.finished, alpha, beta, ["left", "tie"], 10)
    told: Any = own.visitor().json("/generators")
    assert [sorted(row["name"] for row in group) for group in told["groups"]][1:] == [["elsewhere/alpha", "elsewhere/beta"]]  # fmt: skip
    html = own.visitor().read("/generators")
    assert "their ratings cannot be compared" in html
    assert "1 · 1 · 0" in html


def test_the_board_of_one_project_holds_its_battles_alone(own: World, arena: Played) -> None:
    first = own.project_id
    second = own.import_demo("Another", rows=160)
    assert rows(own, first).keys() == rows(own).keys()
    assert rows(own, second) == {}
    assert "of this project" in own.visitor().read(f"/generators?project={second}")
    assert own.visitor().read("/generators?project=nowhere", 404)
