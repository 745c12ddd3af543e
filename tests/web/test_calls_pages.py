"""The log of calls: in pages, by choice, to the letter, and without a word of the holdout or a hidden name."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.domain.improving.asks import Message
from app.services.bookkeeping import Wish, target_of
from app.services.scoring import task_sampling
from app.storage import endpoints
from app.storage.answers import Call, unpack_body
from app.storage.rounds import Round
from app.storage.test_sets import Placement, TestSetVersion
from tests.web.arena_world import CANARY, DUO, Played, World


def listed(world: World, query: str = "") -> list[dict[str, Any]]:
    """Every call of a choice, gathered page by page."""
    visitor, before, found = world.visitor(), "", list[dict[str, Any]]()
    while True:
        told: Any = visitor.json(f"/calls?limit=97&{query}&before={before}")
        found += told["calls"]
        before = told["older"]
        if not before:
            return found


def count(world: World, *conditions: Any) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(Call).where(*conditions)) or 0


def test_every_open_call_is_listed_once_newest_first(arena: Played) -> None:
    calls = listed(arena.world)
    assert len(calls) == len({call["id"] for call in calls}) == count(arena.world, ~Call.holdout) > 400
    assert [call["created_at"] for call in calls] == sorted((call["created_at"] for call in calls), reverse=True)


def test_a_choice_narrows_the_list(arena: Played) -> None:
    world, task = arena.world, arena.world.endpoint("practice/skimmer-v1")
    assert len(listed(world, f"campaign={arena.finished}")) == count(world, ~Call.holdout, Call.campaign_id == arena.finished)  # fmt: skip
    assert len(listed(world, f"endpoint={task.id}")) == count(world, ~Call.holdout, Call.endpoint_id == task.id)
    assert {call["purpose"] for call in listed(world, "purpose=generator")} == {"generator"}
    assert listed(world, "failed=true") == []
    html = world.visitor().read("/calls?failed=1")
    assert "No such call" in html


def test_the_pages_of_the_list_lead_on_and_keep_the_choice(arena: Played) -> None:
    visitor = arena.world.visitor()
    html = visitor.read(f"/calls?campaign={arena.finished}&purpose=task")
    older = re.search(r'href="(/calls\?[^"]+)" rel="next"', html)
    assert older
    following = visitor.read(older[1].replace("&amp;", "&"))
    assert f'<option value="{arena.finished}" selected>' in following
    firsts = [set(re.findall(r'href="/calls/(\w{12})"', page)) for page in (html, following)]
    assert len(firsts[0]) == len(firsts[1]) == 50
    assert not firsts[0] & firsts[1]


@pytest.mark.parametrize("place", ["nonsense", "12", f"{'9' * 30}-x", "-"])
def test_a_place_that_is_none_is_refused(arena: Played, place: str) -> None:
    expected = 200 if place == "12" else 422
    arena.world.visitor().read(f"/calls?before={place}", expected)


def test_a_call_of_the_task_model_is_shown_as_it_was_sent(arena: Played) -> None:
    world = arena.world
    with world.database.read() as session:
        call = session.scalars(select(Call).where(~Call.holdout, Call.purpose == "task").limit(1)).one()
        target = target_of(endpoints.get(session, call.endpoint_id), world.settings)
    told: Any = world.visitor().json(f"/calls/{call.id}")
    said = tuple(Message(one["role"], one["content"]) for one in told["request"])
    wish = Wish(call.endpoint_id, said, task_sampling(world.settings.task_max_tokens), "task")
    assert wish.request_hash(target) == call.request_hash
    assert call.body is not None
    assert told["reply"] == unpack_body(call.body)[0]
    assert told["split"] in ("train", "dev")
    html = world.visitor().read(f"/calls/{call.id}")
    assert "Task model answers" in html
    assert call.model in html


def test_a_call_for_the_holdout_is_sealed(arena: Played) -> None:
    world = arena.world
    with world.database.read() as session:
        sealed = session.scalars(select(Call.id).where(Call.holdout).limit(3)).all()
    assert sealed
    for call_id in sealed:
        assert "sealed holdout" in world.visitor().read(f"/calls/{call_id}", 404)
        assert "sealed holdout" in str(world.visitor().json(f"/calls/{call_id}", 404))
    assert not {call["id"] for call in listed(world)} & set(sealed)


def test_an_example_that_any_version_holds_back_is_sealed_too(own: World) -> None:
    with own.database.write() as session:
        call = session.scalars(select(Call).where(~Call.holdout, Call.example_id.is_not(None)).limit(1)).one()
        first = session.scalars(select(TestSetVersion)).one()
        kept = {name: getattr(first, name) for name in ("test_set_id", "content_hash", "splits", "label_counts", "imported", "variables", "forbidden")}  # fmt: skip
        again = TestSetVersion(split_seed=99, **kept)
        session.add(again)
        session.flush()
        session.add(Placement(version_id=again.id, example_id=call.example_id or 0, label=0, split="holdout", position=0))  # fmt: skip
    own.visitor().read(f"/calls/{call.id}", 404)


def test_no_open_call_holds_a_holdout_example(arena: Played) -> None:
    visitor = arena.world.visitor()
    for call in listed(arena.world)[::25]:
        assert CANARY not in str(visitor.json(f"/calls/{call['id']}"))


def test_who_wrote_for_an_undecided_round_is_hidden_and_cannot_be_asked_for(own: World, arena: Played) -> None:
    query = f"campaign={arena.undecided}&purpose=generator"
    calls = listed(own, query)
    assert [(call["hidden"], call["endpoint"], call["model"], call["cost"]) for call in calls] == [(True, None, None, None)] * 2  # fmt: skip
    detail: Any = own.visitor().json(f"/calls/{calls[0]['id']}")
    assert (detail["fingerprint"], detail["request_id"]) == (None, None)
    assert detail["reply"]
    html = own.visitor().read(f"/calls/{calls[0]['id']}")
    assert "name hidden" in html
    hidden = [own.endpoint(name) for name in DUO]
    assert not [one for one in hidden if one.name in html + str(detail)]
    assert [listed(own, f"endpoint={one.id}") for one in hidden] == [[], []]
    with own.database.write() as session:
        session.execute(update(Round).where(Round.campaign_id == arena.undecided).values(settled=True))
    assert {call["endpoint"] for call in listed(own, query)} == set(DUO)
    assert [len(listed(own, f"endpoint={one.id}")) for one in hidden] == [1, 1]


def test_a_failed_call_says_why_unless_that_would_give_a_name_away(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(update(Call).where(Call.purpose == "generator").values(ok=False, error="trimmer-v1 is away."))
    failed = listed(own, "failed=true")
    assert {call["error"] for call in failed if call["campaign_id"] == arena.undecided} == {None}
    assert {call["error"] for call in failed if call["campaign_id"] == arena.finished} == {"trimmer-v1 is away."}
    html = own.visitor().read(f"/calls?failed=1&campaign={arena.undecided}")
    assert "why is hidden with the name" in html
    assert "is away" not in html


def test_an_empty_log_has_one_thing_to_do(tmp_path: Path) -> None:
    world = World.at(tmp_path)
    html = world.visitor().read("/calls")
    assert "No call yet" in html
    world.visitor().read("/calls/nothing", 404)
    world.close()
