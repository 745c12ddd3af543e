"""Openings on both databases: counted by the examples that are sealed, and never a third, however many try at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.errors import Conflict
from app.storage import campaigns, openings, test_sets
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.openings import HoldoutSpent
from app.storage.session import Database
from app.storage.test_sets import TestSet, TestSetVersion
from tests.storage.test_jobs import campaign
from tests.storage.test_numbers import another

AT_ONCE = 8
FIRST, SECOND = ("a", "b", "c"), ("b", "d")  # keys of sealed examples


def sealed(database: Database, campaign_id: str, keys: tuple[str, ...], *, hashed: bool) -> str:
    """Another version of the campaign's test set with these examples in its holdout; without its hash, an old one."""
    with database.write() as session:
        known = session.get_one(TestSetVersion, campaigns.get(session, campaign_id).version_id)
        test_set = TestSet(project_id=session.get_one(TestSet, known.test_set_id).project_id, name="t")
        session.add(test_set)
        session.flush()
        version = TestSetVersion(
            test_set_id=test_set.id, content_hash="h", split_seed=0, splits={"holdout": len(keys)}, label_counts={},
            imported={}, variables=[], forbidden=b"",
        )  # fmt: skip
        session.add(version)
        session.flush()
        rows = [{"test_set_id": test_set.id, "key": k, "input": k, "variables": {}, "meta": {}} for k in keys]
        if rows:
            test_sets.add_examples(session, rows)
        ids = test_sets.ids_by_key(session, test_set.id)
        places = [
            {"version_id": version.id, "example_id": ids[key], "label": 0, "split": "holdout", "position": place}
            for place, key in enumerate(keys)
        ]
        if places:
            test_sets.place_examples(session, places)
        if hashed:
            version.holdout_hash = openings.hash_of(session, version.id)
        return version.id


def opener(database: Database, campaign_id: str, version_id: str) -> Callable[[], int]:
    """Opens a version's holdout for a person; gives the number of the look."""

    def open_it() -> int:
        with database.write() as session:
            one = campaigns.get(session, campaign_id)
            both = one.start_version_id, one.start_version_id
            return openings.open_for_person(session, version_id, *both, one.task_endpoint_id, "to see it").number

    return open_it


@pytest.mark.parametrize("hashed", [True, False])
def test_of_many_who_open_the_same_examples_at_once_two_may(database: Database, hashed: bool) -> None:
    campaign_id = campaign(database)
    versions = [sealed(database, campaign_id, keys, hashed=hashed) for keys in (FIRST, FIRST[::-1], FIRST)]

    def race(place: int) -> int | str:
        try:
            return opener(database, campaign_id, versions[place % 3])()
        except HoldoutSpent as spent:
            return str(spent)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(race, range(3 * AT_ONCE)))
    assert sorted(one for one in found if isinstance(one, int)) == [1, 2]
    with database.read() as session:
        rows = session.scalars(select(HoldoutOpening)).all()
        assert len(rows) == 2
        assert {row.holdout_hash for row in rows} == {openings.hash_of(session, versions[0])}
        assert {len(openings.looks(session, session.get_one(TestSetVersion, row.version_id))) for row in rows} == {2}


def test_a_refusal_says_what_was_opened_when_and_what_to_do(database: Database) -> None:
    campaign_id = campaign(database)
    version_id = sealed(database, campaign_id, FIRST, hashed=True)
    with database.write() as session:
        mine = another(campaigns.get(session, campaign_id), 2)
        mine.version_id = version_id
        session.add(mine)
        session.flush()
        first = openings.open_for_campaign(session, mine, "end of campaign 2")
        assert openings.open_for_campaign(session, mine, "asked again").id == first.id, "it is the same opening"
    opener(database, campaign_id, version_id)()
    with pytest.raises(HoldoutSpent) as refused:
        opener(database, campaign_id, version_id)()
    said = str(refused.value)
    assert "Holdout spent" in said
    assert "opened twice" in said
    assert f"look 1 on {first.opened_at:%d %b %Y}, end of campaign 2" in said
    assert "look 2 on" in said
    assert "another split seed" in said
    assert "add rows" in said
    assert [one.campaign for one in refused.value.looks] == [2, None]


def test_other_examples_have_looks_of_their_own(database: Database) -> None:
    campaign_id = campaign(database)
    first, second = (sealed(database, campaign_id, keys, hashed=True) for keys in (FIRST, SECOND))
    assert [opener(database, campaign_id, one)() for one in (first, second, first, second)] == [1, 1, 2, 2]


def test_looks_from_before_hashes_were_kept_count_for_a_newer_version_of_the_same_examples(database: Database) -> None:
    campaign_id = campaign(database)
    old = sealed(database, campaign_id, FIRST, hashed=False)
    with database.write() as session:
        row = session.get_one(Campaign, campaign_id)
        row.version_id = old
        session.add(HoldoutOpening(version_id=old, campaign_id=campaign_id, reason="end of campaign 1", number=1))
    with database.read() as session:
        assert len(openings.looks(session, session.get_one(TestSetVersion, old))) == 1
    new = sealed(database, campaign_id, FIRST, hashed=True)
    assert opener(database, campaign_id, new)() == 2
    with database.read() as session:
        assert session.get_one(TestSetVersion, old).holdout_hash == session.get_one(TestSetVersion, new).holdout_hash
    with pytest.raises(HoldoutSpent):
        opener(database, campaign_id, old)()


def test_where_nothing_is_sealed_nothing_opens(database: Database) -> None:
    campaign_id = campaign(database)
    empty = sealed(database, campaign_id, (), hashed=True)
    with pytest.raises(Conflict, match="no holdout"):
        opener(database, campaign_id, empty)()


def test_the_hash_is_of_the_examples_whatever_their_order(database: Database) -> None:
    campaign_id = campaign(database)
    same = [sealed(database, campaign_id, keys, hashed=False) for keys in (FIRST, FIRST[::-1])]
    other = sealed(database, campaign_id, SECOND, hashed=False)
    with database.read() as session:
        hashes = [openings.hash_of(session, one) for one in (*same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
