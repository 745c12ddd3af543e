"""Caps while a campaign runs: its own end it, shared ones pause it, and raising them lets it go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.domain.budgets import Amount
from app.errors import Conflict, Invalid
from app.services import campaigns, capping
from app.services.campaigns import CampaignDraft
from app.services.capping import Caps
from app.storage import ledger
from app.storage.answers import Call
from app.storage.base import now
from app.storage.ledger import Account
from app.storage.prices import Price
from app.storage.session import Database
from app.storage.spend import Spend
from tests.web.arena_world import DUO, World, serving
from tests.web.arena_world import Watched as Practice

TASK = "practice/skimmer-v1"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The demo set and practice models that take money: one unit for every token."""
    made = World.at(tmp_path)
    made.import_demo(rows=120)
    with serving(Practice()) as url:
        made.offer(url)
        with made.database.write() as session:
            session.execute(update(Price).values(price_in=1_000_000, price_out=1_000_000))
        yield made
    made.close()


def begin(world: World, *, rounds: int = 2, **caps: int) -> tuple[str, str]:
    draft = CampaignDraft(
        world.project_id, world.first_prompt(), world.endpoint(TASK).id, [world.endpoint(one).id for one in DUO],
        max_calls=4000, max_rounds=rounds, max_tokens=caps.get("max_tokens"), max_cost=caps.get("max_cost"), seed=1,
    )  # fmt: skip
    with world.database.write() as session:
        campaign, job_id = campaigns.start(session, world.settings, draft)
        return campaign.id, job_id


def resume(world: World, campaign_id: str, job_id: str) -> None:
    with world.database.write() as session:
        campaigns.ask(session, campaign_id, "resume")
    world.drive(job_id)


def account(world: World, account_id: str) -> Account:
    with world.database.read() as session:
        return session.get_one(Account, account_id)


@pytest.mark.parametrize(
    ("kind", "cap", "said"), [("calls", 60, "calls"), ("tokens", 20_000, "tokens"), ("cost", 20_000, "money")]
)
def test_a_shared_cap_pauses_and_a_raised_one_goes_on(world: World, kind: str, cap: int, said: str) -> None:
    mine = ledger.account_of("project", world.project_id)
    with world.database.write() as session:
        capping.set_shared(session, mine, Caps(**{kind: cap}))
    campaign_id, job_id = begin(world)
    world.drive(job_id)
    paused = world.campaign(campaign_id)
    assert paused.status == "paused"
    assert paused.note.startswith(f"The cap on {said} of project Support messages is reached: ")
    assert "Raise the cap, then resume." in paused.note
    bought = account(world, mine)
    assert 0 < bought.used(kind) <= cap
    assert bought.used(kind) > 0.5 * cap, "what a call may cost at most does not stop it long before the cap"
    with world.database.write() as session:
        kept = session.scalars(select(Call.request_hash).where(Call.ok)).all()
        capping.set_shared(session, mine, Caps())
    resume(world, campaign_id, job_id)
    assert world.campaign(campaign_id).status == "finished"
    with world.database.read() as session:
        after = session.scalars(select(Call.request_hash).where(Call.ok, Call.purpose == "task")).all()
    assert set(kept) & set(after)
    assert len(after) == len(set(after)), "nothing that was bought is bought again"


@pytest.mark.parametrize(("kind", "cap", "said"), [("max_tokens", 60_000, "tokens"), ("max_cost", 60_000, "money")])
def test_a_campaigns_own_cap_ends_it_with_its_verdict(world: World, kind: str, cap: int, said: str) -> None:
    campaign_id, job_id = begin(world, rounds=50, **{kind: cap})
    world.drive(job_id)
    ended = world.campaign(campaign_id)
    assert (ended.status, ended.stopped_because) == ("finished", said)
    own = account(world, ended.account_id)
    assert own.used(kind.removeprefix("max_")) <= cap
    page = world.visitor().read(f"/campaigns/{campaign_id}")
    assert f"the cap on {said} was reached" in page


def test_what_is_spent_is_the_sum_of_what_is_logged(world: World) -> None:
    _, job_id = begin(world)
    world.drive(job_id)
    with world.database.read() as session:
        calls = session.scalars(select(Call)).all()
        sums = session.scalars(select(Spend)).all()
    assert (
        sum(one.calls for one in sums) == sum(call.attempts for call in calls) == account(world, "instance").spent_calls
    )
    assert (
        sum(one.cost for one in sums) == sum(call.cost or 0 for call in calls) == account(world, "instance").spent_cost
    )
    assert sum(one.cost for one in sums) > 0
    assert {one.project_id for one in sums} == {world.project_id}


def test_a_cap_on_money_refuses_who_has_no_price(world: World) -> None:
    with world.database.write() as session:
        trimmer = world.endpoint(DUO[1]).id
        session.execute(update(Price).where(Price.endpoint_id == trimmer).values(price_out=None))
    begin(world, max_tokens=5)
    with pytest.raises(Invalid, match=r"practice/trimmer-v1 has no known price.*set its price") as refused:
        begin(world, max_cost=1_000_000)
    assert [problem.where for problem in refused.value.problems] == ["generators"]
    with world.database.write() as session:
        capping.set_shared(session, "day", Caps(cost=5_000_000))
    with pytest.raises(Invalid, match="no known price"):
        begin(world)


def test_caps_of_a_campaign_change_until_it_is_over(world: World) -> None:
    campaign_id, job_id = begin(world, max_cost=3_000_000)
    visitor = world.visitor()
    here = f"/campaigns/{campaign_id}/caps"
    assert 'value="3"' in visitor.read(here)
    assert visitor.send(here, {"calls": "300", "tokens": "", "cost": "4.5"}) == f"/campaigns/{campaign_id}"
    own = account(world, f"campaign:{campaign_id}")
    assert (own.cap_calls, own.cap_tokens, own.cap_cost, world.campaign(campaign_id).max_calls) == (
        300,
        None,
        4_500_000,
        300,
    )
    wrong: list[tuple[dict[str, object], str]] = [({"calls": ""}, "calls"), ({"calls": "5", "cost": "much"}, "cost")]
    for fields, place in wrong:
        assert f'id="error-{place}"' in visitor.send(here, fields, 422)
    told = visitor.client.put(f"/api/v1{here}", json={"calls": 400, "tokens": 9000}).json()
    assert {one["kind"]: one["cap"] for one in told} == {"calls": 400, "tokens": 9000}
    with world.database.write() as session:
        campaigns.ask(session, campaign_id, "stop")
    world.drive(job_id)
    with pytest.raises(Conflict), world.database.write() as session:
        campaigns.change_caps(session, campaign_id, Caps(calls=5))


def test_from_four_fifths_on_a_cap_is_warned_of(world: World) -> None:
    campaign_id, _ = begin(world)
    today = ledger.day_account(now().date())
    with world.database.write() as session:
        ledger.open_account(session, today)
        capping.set_shared(session, "day", Caps(cost=1_000_000))
        session.execute(update(Account).where(Account.id == today).values(spent_cost=790_000))
    visitor = world.visitor()
    assert "nearly used up" not in visitor.read(f"/campaigns/{campaign_id}")
    with world.database.write() as session:
        session.execute(update(Account).where(Account.id == today).values(spent_cost=800_000))
    assert "$0.80 of $1.00 are used of the cap on money of today." in visitor.read(f"/campaigns/{campaign_id}")
    assert "nearly all" in visitor.read("/spend")


def test_what_others_reserved_does_not_count_as_a_cap_that_is_reached(database: Database) -> None:
    with database.write() as session:
        ledger.set_caps(session, "instance", {"calls": 10})
        session.execute(update(Account).values(spent_calls=6, reserved_calls=4))
    with database.read() as session:
        assert capping.blocking(session, ["instance"], Amount(calls=1)) == []
        found = capping.blocking(session, ["instance"], Amount(calls=1), {"instance": Amount(calls=4)})
        assert [(use.name, use.kind, use.used, use.left) for use in found] == [("the instance", "calls", 6, 0)]
        assert capping.blocking(session, ["instance"], Amount(tokens=99)) == []
