"""How SQLite goes about what pages read: it looks things up, and never walks through a table that grows."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Row, event
from sqlalchemy.orm import Session

from app.services import spending, uploading
from app.storage import (
    boards,
    call_log,
    campaign_boards,
    comparables,
    comparisons,
    confirmations,
    evaluations,
    fronts,
    live,
    operations,
    probabilities,
    prompt_boards,
    rounds,
    run_boards,
    runs,
    spend,
    starts,
    traffic,
)
from app.storage.call_log import CallFilter
from app.storage.campaigns import Campaign
from app.storage.comparables import Comparable
from app.storage.comparisons import Wanted
from app.storage.evaluations import Evaluation
from app.storage.session import Database
from app.storage.spend import Span
from tests.databases import migrated_file

SPAN = Span(date(2026, 1, 1), date(2026, 1, 30))
NAMED: campaign_boards.Models = {}
ONE, OTHER = (Evaluation(id=name, prompt_version_id="1", version_id="v", split="dev") for name in ("a", "b"))
GROWING = ("account", "answer", "battle", "block", "call", "campaign", "candidate", "evaluation", "example", "job", "output", "placement", "project", "prompt", "prompt_version", "round", "run", "spend", "test_set", "test_set_version", "traffic", "upload", "used_answer")  # fmt: skip
QUERIES: dict[str, Callable[[Session], object]] = {
    "prompts": lambda session: prompt_boards.prompts(session, NAMED, "p", "v", "h"),
    "older prompts": lambda session: prompt_boards.prompts(session, NAMED, "p", "v", "h", before=400),
    "prompts to start from": lambda session: starts.start_prompts(session, "p"),
    "scores on dev": lambda session: prompt_boards.dev_scores(session, NAMED, ["1", "2"], "v", "h"),
    "scores on the holdout": lambda session: prompt_boards.holdout_scores(session, NAMED, "1", "v", "h"),
    "the longest example": lambda session: starts.longest_example(session, "v", 60),
    "projects": lambda session: boards.projects(session, NAMED),
    "scores of several goals": lambda session: fronts.goal_scores(session, NAMED, "p", "v", "a; b"),
    "last campaigns": lambda session: campaign_boards.last_campaigns(session, NAMED, ["p", "q"]),
    "champions": lambda session: boards.champions(session, NAMED, ["p", "q"]),
    "the test set": lambda session: boards.test_set(session, "p"),
    "campaigns": lambda session: campaign_boards.campaigns(session, NAMED, "p"),
    "campaigns led": lambda session: campaign_boards.led_by(session, NAMED, "p", "1"),
    "task models": lambda session: campaign_boards.task_models(session, NAMED, "p", 4),
    "the unfinished campaign": lambda session: campaign_boards.unfinished_campaign(session, "p"),
    "files that wait": uploading.waiting,
    "calls": lambda session: call_log.page(session, CallFilter(), "", 50),
    "calls of a campaign": lambda session: call_log.page(session, CallFilter(campaign_id="c"), "", 50),
    "failed calls": lambda session: call_log.page(session, CallFilter(failed=True), "", 50),
    "failed calls of an endpoint": lambda session: call_log.page(
        session, CallFilter(failed=True, endpoint_id="e"), "", 50
    ),
    "failed calls of a campaign": lambda session: call_log.page(
        session, CallFilter(failed=True, campaign_id="c"), "", 50
    ),
    "failed calls of a run": lambda session: call_log.page(session, CallFilter(failed=True, run_id="r"), "", 50),
    "calls of an endpoint": lambda session: call_log.page(session, CallFilter(endpoint_id="e"), "", 50),
    "calls of generators": lambda session: call_log.page(session, CallFilter(purpose="generator"), "", 50),
    "calls of a run": lambda session: call_log.page(session, CallFilter(run_id="r"), "", 50),
    "the newest calls of a run": lambda session: run_boards.latest(session, "r"),
    "who worked on a run": lambda session: run_boards.worked_on(session, "r"),
    "who works on a run": lambda session: run_boards.working(session, "r"),
    "evaluations": lambda session: run_boards.of_project(session, NAMED, "p"),
    "open runs": lambda session: run_boards.open_runs(session, NAMED),
    "halted runs": operations.halted_runs,
    "a known evaluation": lambda session: evaluations.found(session, "1", "e", "v", "dev", "h"),
    "an open run of an evaluation": lambda session: runs.open_of_evaluation(session, "e"),
    "the longest of the first examples": lambda session: starts.longest_of_first(session, "v", "dev", 60),
    "campaigns to choose calls of": lambda session: call_log.campaigns(session, "c"),
    "rounds": lambda session: live.turns(session, "c", None, 20),
    "the pool": lambda session: live.pool(session, "c"),
    "job depths": operations.depths,
    "jobs that are held": operations.held,
    "jobs in trouble": operations.troubled,
    "campaigns paused by a fault": operations.paused_by_fault,
    "open campaigns": operations.open_campaigns,
    "names of campaigns": lambda session: operations.campaign_names(session, ["c"]),
    "names of uploads": lambda session: operations.upload_names(session, ["u"]),
    "the pace": lambda session: traffic.latest(session, 10),
    "spend": lambda session: spending.view(session, SPAN),
    "spend of a project": lambda session: spend.by_endpoint(session, SPAN._replace(project_id="p")),
    "spend as a file": lambda session: spending.rows(session, SPAN),
    "calls an endpoint served": lambda session: spend.logged(session, "e"),
    "the usual length of calls": lambda session: spend.of_project(session, "p"),
    "refusals": lambda session: rounds.refusals(session, "c"),
    "a battle under way": lambda session: live.pairings(session, "v", "a", "b", 300),
    "two evaluations counted": lambda session: comparisons.cells(session, ONE, OTHER),
    "rows of two evaluations": lambda session: comparisons.places(session, ONE, OTHER, Wanted("fixed", 1, 7), 50),
    "rows before a place": lambda session: comparisons.places(session, ONE, OTHER, Wanted(before=700), 50),
    "replies to some examples": lambda session: comparisons.replies(session, ["a", "b"], [1, 2]),
    "calls for some examples": lambda session: comparisons.calls(session, ["1", "2"], [1, 2]),
    "doubtful examples": lambda session: probabilities.doubtful(session, ONE, [1, 2]),
    "what was answered of the holdout": lambda session: confirmations.answered(
        session, Campaign(id="c", task_endpoint_id="e", version_id="v"), {"1", "2"}
    ),
    "what was tried on a dev set": lambda session: confirmations.dev_scores(session, "p", ONE),
    "evaluations by their ids": lambda session: comparables.evaluation_ids(session, ["a", "b"]),
    "evaluations to compare": lambda session: comparables.get(session, ["a", "b"]),
    "the last runs of evaluations": lambda session: comparables.last_runs(session, ["a", "b"]),
    "what can be compared": lambda session: comparables.offered(session, Comparable(ONE, 1, [], "p", "t")),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all of them: they only ask for plans."""
    database = Database(migrated_file(tmp_path_factory.mktemp("plans") / "agon.sqlite3"))
    yield database
    database.close()


def plans(database: Database, query: Callable[[Session], object]) -> list[list[Row[Any]]]:
    """SQLite's plan for every statement of this query, in rows; one whose parent is 0 is of no subquery."""
    sent: list[tuple[str, Any]] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def on_execute(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        sent.append((statement, parameters))

    with database.read() as session:
        query(session)
    event.remove(database.engine, "before_cursor_execute", on_execute)
    with database.engine.connect() as connection:
        asked = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", given) for one, given in sent if one.startswith("SELECT")]  # fmt: skip
        return [list(plan) for plan in asked]


@pytest.mark.parametrize("name", QUERIES)
def test_no_page_walks_through_a_table_that_grows(database: Database, name: str) -> None:
    found = [row.detail for plan in plans(database, QUERIES[name]) for row in plan]
    assert found
    walked = re.compile(rf"SCAN ({'|'.join(GROWING)})(_\d+)?( AS \w+)?$")
    assert not [line for line in found if walked.match(line)], found


IN_ORDER = ("prompts", "older prompts", "prompts to start from", "projects", "campaigns", "campaigns led", "calls", "calls of a campaign", "calls of a run", "calls of an endpoint", "failed calls", "failed calls of an endpoint", "failed calls of a run", "evaluations", "the newest calls of a run", "campaigns to choose calls of", "rounds", "rows of two evaluations", "rows before a place")  # fmt: skip


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_list_that_is_cut_is_read_in_its_order_and_never_sorted_first(database: Database, name: str) -> None:
    found = [row.detail for row in plans(database, QUERIES[name])[0] if row.parent == 0]
    assert "USE TEMP B-TREE FOR ORDER BY" not in found, found


@pytest.mark.parametrize("name", ["calls for some examples", "doubtful examples"])
def test_calls_for_examples_are_looked_up_by_example_and_prompt(database: Database, name: str) -> None:
    [found] = [row for plan in plans(database, QUERIES[name]) for row in plan if "ix_call" in row.detail]
    assert found.detail == "SEARCH call USING INDEX ix_call_example (example_id=? AND prompt_version_id=?)"


LOGS = ("calls", "calls of generators")  # all of it in order, and what has an index of its own behind the flag
SPECIFIC = re.compile(
    r"SEARCH call USING INDEX (ix_call_failed \(holdout=\?|ix_call_\w+ \((\w+=\? AND holdout|holdout=\? AND \w+))"
)


@pytest.mark.parametrize("name", [name for name in QUERIES if name not in LOGS])
def test_no_query_takes_the_index_of_all_calls_for_some_of_them(database: Database, name: str) -> None:
    found = [row.detail for plan in plans(database, QUERIES[name]) for row in plan if "SEARCH call " in row.detail]
    assert all(SPECIFIC.match(line) or "ix_call_example" in line for line in found), found


def test_failures_are_looked_for_among_failures(database: Database) -> None:
    for name in (name for name in QUERIES if name.startswith("failed calls")):
        assert "ix_call_failed" in plans(database, QUERIES[name])[0][0].detail, name


def test_the_test_calls_of_an_endpoint_are_found_to_be_deleted(database: Database) -> None:
    delete = "DELETE FROM call WHERE endpoint_id = 'e' AND holdout IN (0, 1) AND purpose = 'test'"
    with database.engine.connect() as connection:
        first = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {delete}").first()
    assert first is not None
    assert "ix_call_endpoint (holdout=? AND endpoint_id=?)" in first.detail


def test_scores_are_looked_up_by_prompt_version(database: Database) -> None:
    for name in ("scores on dev", "scores on the holdout"):
        first = plans(database, QUERIES[name])[-1][0].detail
        assert re.match(r"SEARCH evaluation USING INDEX \w+ \(prompt_version_id=\?", first), first
