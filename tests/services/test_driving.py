"""What becomes of a campaign when people, endpoints and workers get in its way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services import campaigns as asking
from app.services import catalogue, improving
from app.storage import campaigns, jobs
from app.storage.campaigns import CampaignEvent
from app.storage.jobs import Job
from tests.flows.running import free_port
from tests.web.arena_world import Watched, World, played, serving

DEAD = "closed/writer-9000"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    copied = played().world.copied(tmp_path)
    yield copied
    copied.close()


def test_a_pause_that_comes_after_the_end_changes_nothing(world: World) -> None:
    with world.database.write() as session:
        session.add(CampaignEvent(campaign_id=played().finished, kind="pause"))
        job_id = jobs.want(session, improving.KIND, played().finished)
    world.drive(job_id)
    assert world.campaign(played().finished).status == "finished"


def test_a_generator_that_fails_before_the_outcome_is_not_named(world: World) -> None:
    with serving(Watched()) as url:
        world.offer(url)
        campaign_id, job_id = start_with_a_dead_generator(world)
        world.drive(job_id)
    campaign = world.campaign(campaign_id)
    assert campaign.status == "running"
    assert "A generator of this round fails" in campaign.note
    assert "9000" not in campaign.note
    assert "closed" not in campaign.note
    with world.database.read() as session:
        assert session.get_one(Job, job_id).attempts == 1


def start_with_a_dead_generator(world: World) -> tuple[str, str]:
    """Two generators, one of them at an address where nobody listens."""
    with world.database.write() as session:
        provider = catalogue.add_provider(
            session, world.settings, "closed", f"http://127.0.0.1:{free_port()}/v1", key=""
        )
        catalogue.add_endpoint(session, provider.id, DEAD.partition("/")[2])
    return world.start(["practice/exemplar-v1", DEAD])


def test_a_single_generator_that_fails_is_named_for_nothing_is_hidden(world: World) -> None:
    with serving(Watched()) as url:
        world.offer(url)
        start_with_a_dead_generator(world)
        campaign_id, job_id = world.start([DEAD])
        world.drive(job_id)
    assert DEAD.partition("/")[2] in world.campaign(campaign_id).note


def test_a_persons_pause_takes_an_old_fault_off_the_page(world: World) -> None:
    campaign_id, job_id = played().undecided, played().undecided_job
    with world.database.write() as session:
        campaigns.get(session, campaign_id).status = "running"
        campaigns.get(session, campaign_id).note = "a passing fault"
        asking.ask(session, campaign_id, "pause")
    world.drive(job_id)
    assert (world.campaign(campaign_id).status, world.campaign(campaign_id).note) == ("paused", "")
