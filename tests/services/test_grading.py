"""Free texts get their grades from a real server on both databases: once, under the caps, and not again after trouble."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.domain import answerspace, formats
from app.domain.answercodes import RIGHT, UNGRADED, WRONG
from app.domain.answerspace import Answers, Texts
from app.domain.formats import AnswerFormat
from app.errors import Invalid
from app.services import evaluating, shown_answers
from app.services.projects import start_prompt
from app.settings import Settings
from app.storage import evaluations, grades, runs
from app.storage.answers import Call
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation, Output
from app.storage.grades import Grade
from app.storage.prices import Price
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.session import Database
from app.storage.test_sets import Placement
from tests.gateway.scripted import Answer, Hit, Script, completion, refusal, serving
from tests.services.tickets import Tickets

REFERENCE = "The gate is closed."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05, call_attempts=1)


def number_in(text: str) -> int:
    return int(text.partition("ticket ")[2].partition(":")[0])


def answer(hit: Hit) -> Answer:
    """The task model, which repeats its input."""
    return completion(f"On {hit.text}")


def verdict(hit: Hit) -> Answer:
    """A judge that finds every fifth answer bad, and cannot make up its mind about every seventh."""
    number = number_in(hit.text)
    said = "so-so" if number % 7 == 0 else "no" if number % 5 == 0 else "yes"
    return completion(json.dumps({"reason": "I say so", "fulfilled": said}))


def served(judge: Script, task: Script = answer) -> Script:
    return lambda hit: judge(hit) if hit.body["model"] == "judge" else task(hit)


def graded(database: Database, settings: Settings, base_url: str, size: int, match: Any = "criterion") -> Tickets:
    """The tickets as a job of free texts with a judge beside the task model."""
    tickets = Tickets.at(database, settings, base_url, size)
    texts = Texts(match, criterion="It is kind.", grader="x/judge")
    with database.write() as session:
        project = session.get_one(Project, tickets.project_id)
        project.answers, project.labels = answerspace.dump(Answers("text", texts=texts)), []
        project.goal = "mean_score"
        provider = session.get_one(Endpoint, tickets.endpoint_id).provider_id
        prices = [Price(price_in=1_000_000, price_out=2_000_000, source="person")]
        session.add(Endpoint(provider_id=provider, name="judge", role="judge", prices=prices))
        session.execute(update(Placement).values(label=RIGHT, reference=REFERENCE))
    return tickets


def readings(database: Database) -> Counter[int]:
    with database.read() as session:
        return Counter(session.scalars(select(Output.reading).where(Output.counts)))


def expected(size: int) -> Counter[int]:
    return Counter(UNGRADED if n % 7 == 0 else WRONG if n % 5 == 0 else RIGHT for n in range(size))


def test_every_answer_is_graded_once_and_the_mean_leaves_out_what_has_no_grade(
    database: Database, settings: Settings
) -> None:
    with serving(served(verdict)) as server:
        tickets = graded(database, settings, server.base_url, 50)
        run_id = tickets.start()
        tickets.work_on()
        assert Counter(hit.body["model"] for hit in server.hits) == {"small": 50, "judge": 50}
    run = tickets.run(run_id)
    assert (run.status, run.done, run.reused, run.elsewhere) == ("finished", 50, 0, 0)
    assert readings(database) == expected(50)
    right, none = expected(50)[RIGHT], expected(50)[UNGRADED]
    with database.read() as session:
        evaluation = session.get_one(Evaluation, run.evaluation_id)
        assert (evaluation.n, evaluation.right, evaluation.unreadable) == (50 - none, right, 0)
        assert evaluation.value == pytest.approx(right / (50 - none), abs=1e-6)
        shown = shown_answers.run_answers(session, run_id, "ungraded")
        assert (len(shown.answers), shown.ungraded, shown.n, shown.right) == (none, none, 50, right)
        assert all(one.graded and "fulfilled is none of" in one.why for one in shown.answers)
        summary = evaluations.summary_of(session, run.evaluation_id) or {}
        assert summary["ungraded"]["count"] == none
        said = session.scalars(select(Grade.why).where(Grade.score.is_(None))).all()
        assert len(said) == none
        assert all("fulfilled is none of" in why for why in said)
        judged = session.scalars(select(Call).where(Call.purpose == "judge")).all()
        assert {(call.run_id, call.ok, call.cost) for call in judged} == {(run_id, True, 11)}
    assert tickets.account(run.account_id).spent_calls == 100


def test_what_was_graded_before_is_not_paid_again(database: Database, settings: Settings) -> None:
    with serving(served(verdict)) as server:
        tickets = graded(database, settings, server.base_url, 30)
        tickets.start()
        tickets.work_on()
        with database.write() as session:
            session.query(Output).delete()
        run_id = tickets.start()
        tickets.work_on()
        assert len(server.hits) == 60
    run = tickets.run(run_id)
    assert (run.status, run.done, run.reused) == ("finished", 30, 30)
    assert readings(database) == expected(30)


def test_a_judge_that_fails_for_a_while_costs_no_answer_twice(database: Database, settings: Settings) -> None:
    down = True

    def judge(hit: Hit) -> Answer:
        return refusal(500, "down") if down else verdict(hit)

    with serving(served(judge)) as server:
        tickets = graded(database, settings, server.base_url, 20)
        run_id = tickets.start()
        tickets.work()
        assert readings(database) == {}
        down = False
        tickets.work_on()
        models = Counter(hit.body["model"] for hit in server.hits)
    assert models["small"] == 20
    assert tickets.run(run_id).status == "finished"
    assert readings(database) == expected(20)


def test_a_cap_stops_between_answer_and_grade_and_a_raised_one_goes_on(database: Database, settings: Settings) -> None:
    with serving(served(verdict)) as server:
        tickets = graded(database, settings, server.base_url, 20)
        run_id = tickets.start(max_calls=30)
        tickets.work_on()
        assert len(server.hits) <= 30
        assert tickets.run(run_id).status == "exhausted"
        with database.write() as session:
            runs.get(session, run_id).account.cap_calls = 40
            evaluating.resume(session, run_id)
        tickets.work_on()
        assert len(server.hits) == 40
    assert tickets.run(run_id).status == "finished"
    assert readings(database) == expected(20)


def test_samples_are_graded_each(database: Database, settings: Settings) -> None:
    with serving(served(verdict, lambda hit: completion(f"{hit.number} {hit.text}"))) as server:
        tickets = graded(database, settings, server.base_url, 10)
        run_id = tickets.start(samples=3, temperature=0.7)
        tickets.work_on()
        assert Counter(hit.body["model"] for hit in server.hits) == {"small": 30, "judge": 30}
    assert tickets.run(run_id).status == "finished"
    assert sum(readings(database).values()) == 30


def test_what_no_database_keeps_is_dropped_from_the_reason_of_a_judge_and_from_what_it_is_shown(
    database: Database, settings: Settings
) -> None:
    def judge(_: Hit) -> Answer:
        return completion(r'{"reason": "n\u0000o\ud800ne", "fulfilled": "yes"}')

    def task(_: Hit) -> Answer:
        return completion(r'{"answer": "a\ud800b\u0000c"}')

    with serving(served(judge, task)) as server:
        tickets = graded(database, settings, server.base_url, 3)
        with database.write() as session:
            version = session.scalars(select(PromptVersion)).one()
            version.format = formats.dump(AnswerFormat(how="json"))
        run_id = tickets.start()
        tickets.work_on()
        asked = {hit.text.partition("<answer>\n")[2].partition("\n")[0] for hit in server.hits if hit.body["model"] == "judge"}  # fmt: skip
    assert tickets.run(run_id).status == "finished"
    assert asked == {"abc"}
    with database.read() as session:
        assert set(session.scalars(select(Grade.why))) == {"none"}


def test_an_answer_that_is_the_reference_itself_is_compared_with_it_once(
    database: Database, settings: Settings
) -> None:
    def judge(_: Hit) -> Answer:
        return completion(json.dumps({"reason": "no difference", "better": "equal"}))

    with serving(served(judge, lambda _: completion(REFERENCE))) as server:
        tickets = graded(database, settings, server.base_url, 6, "preference")
        run_id = tickets.start()
        tickets.work_on()
        assert Counter(hit.body["model"] for hit in server.hits) == {"small": 6, "judge": 6}
    run = tickets.run(run_id)
    assert (run.status, run.done, run.reused) == ("finished", 6, 0)
    with database.read() as session:
        assert Counter(session.scalars(select(Output.score).where(Output.counts))) == {0.5: 6}


def test_a_preference_is_asked_for_in_both_orders(database: Database, settings: Settings) -> None:
    def prefers_tickets(hit: Hit) -> Answer:
        first = hit.text.partition("<first>")[2].partition("</first>")[0]
        return completion(json.dumps({"reason": "it is", "better": "first" if "ticket" in first else "second"}))

    def always_first(hit: Hit) -> Answer:
        return completion(json.dumps({"reason": "it is", "better": "first"}))

    scores = [grade_with(database, settings, judge, name) for judge, name in ((prefers_tickets, 1.0), (always_first, 0.5))]  # fmt: skip
    assert scores == [{1.0: 6}, {0.5: 6}]


def grade_with(database: Database, settings: Settings, judge: Callable[[Hit], Answer], name: float) -> Counter[Any]:
    with serving(served(judge)) as server:
        with database.write() as session:
            for table in (Grade, Output):
                session.query(table).delete()
        tickets = (
            graded(database, settings, server.base_url, 6, "preference")
            if name == 1.0
            else _elsewhere(database, settings, server.base_url)
        )
        tickets.start()
        tickets.work_on()
        assert Counter(hit.body["model"] for hit in server.hits)["judge"] == 12
    with database.read() as session:
        return Counter(session.scalars(select(Output.score).where(Output.counts)))


def _elsewhere(database: Database, settings: Settings, base_url: str) -> Tickets:
    """The same project with its models at another address, whose answers the store does not know."""
    with database.write() as session:
        endpoint = session.scalars(select(Endpoint).where(Endpoint.name == "small")).one()
        endpoint.provider.base_url = base_url
        project = session.scalars(select(Project)).one()
        prompt = session.scalars(select(Evaluation.prompt_version_id)).first()
        assert prompt is not None
        return Tickets(database, settings, project.id, prompt, endpoint.id)


def test_answers_of_a_fallback_are_graded_only_where_they_count(database: Database, settings: Settings) -> None:
    def broken(hit: Hit) -> Answer:
        return refusal(401, "no") if hit.body["model"] == "small" else verdict(hit)

    with serving(broken) as server, serving(answer) as other:
        tickets = graded(database, settings, server.base_url, 10)
        tickets.fall_back_to(other.base_url)
        run_id = tickets.start(count_fallbacks=True)
        tickets.work_on()
    assert tickets.run(run_id).status == "finished"
    assert readings(database) == expected(10)
    with database.read() as session:
        assert None not in set(session.scalars(select(Output.served_by)))


def test_a_grader_that_is_gone_is_told_before_anything_starts(database: Database, settings: Settings) -> None:
    tickets = graded(database, settings, "http://127.0.0.1:1/v1", 10)
    with database.write() as session:
        session.delete(session.scalars(select(Endpoint).where(Endpoint.name == "judge")).one())
    with pytest.raises(Invalid, match="x/judge is no endpoint any more"):
        tickets.start()


def test_only_what_has_no_grade_waits_for_one(database: Database, settings: Settings) -> None:
    with serving(served(lambda hit: refusal(500, "down"))) as server:
        tickets = graded(database, settings, server.base_url, 10)
        run_id = tickets.start()
        tickets.work()
    evaluation = tickets.run(run_id).evaluation_id
    with database.read() as session:
        ids = set(session.scalars(select(Output.example_id)))
        assert grades.awaiting(session, evaluation, 0, ids).keys() == ids
        assert grades.awaiting(session, evaluation, 1, ids) == {}


@pytest.mark.parametrize("criterion", ["It is kind.", "It is kind"])
def test_the_prompt_that_is_written_for_a_criterion_ends_its_sentence_once(criterion: str) -> None:
    texts = Texts("criterion", criterion=criterion, grader="x/judge")
    assert "this criterion: It is kind.\n" in start_prompt("Reply to the customer.", Answers("text", texts=texts))
