"""What is read of a test set version, and what is left where it is."""

from sqlalchemy import inspect, update

from app.storage import test_sets
from app.storage.campaigns import Campaign
from app.storage.session import Database
from app.storage.test_sets import TestSetVersion
from tests.storage.test_jobs import campaign


def test_only_the_driver_of_a_campaign_reads_what_no_proposal_may_hold(database: Database) -> None:
    campaign_id = campaign(database)
    with database.write() as session:
        session.execute(update(TestSetVersion).values(forbidden=b"grams"))
    with database.read() as session:
        version_id = session.get_one(Campaign, campaign_id).version_id
        assert "forbidden" in inspect(test_sets.get_version(session, version_id)).unloaded
    with database.read() as session:
        driven = test_sets.get_with_forbidden(session, version_id)
    assert driven.forbidden == b"grams"
