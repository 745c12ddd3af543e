"""What a campaign's rounds tell on both databases."""

from app.storage import rounds
from app.storage.campaigns import Campaign
from app.storage.rounds import Candidate, Round
from app.storage.session import Database
from tests.storage.test_jobs import campaign


def test_refusals_of_a_round_that_was_never_decided_are_not_counted(database: Database) -> None:
    campaign_id = campaign(database)
    with database.write() as session:
        writer = session.get_one(Campaign, campaign_id).task_endpoint_id
        for number, settled in ((1, True), (2, False)):
            session.add(Round(campaign_id=campaign_id, number=number, inputs={}, settled=settled))
            session.add(Candidate(campaign_id=campaign_id, round=number, seat="left", endpoint_id=writer, refusal_rule="no_block"))  # fmt: skip
    with database.read() as session:
        assert rounds.refusals(session, campaign_id) == {writer: 1}
