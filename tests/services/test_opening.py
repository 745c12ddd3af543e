"""A holdout opened by a person, on both databases against a real server: asked once, told at the end, twice at most."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.domain import answerspace
from app.domain.answerspace import Answers, Texts
from app.domain.confirming import Evidence
from app.errors import Conflict, Invalid, NotFound
from app.services import capping, evaluating, opening, report_views, steering
from app.services.evaluating import RunDraft
from app.services.opening import OpeningDraft
from app.services.report_views import OpeningView
from app.settings import Settings
from app.storage import evaluations, openings, prompt_boards, prompts, runs, shown, test_sets
from app.storage.answers import Call
from app.storage.campaign_boards import models
from app.storage.campaigns import HoldoutOpening
from app.storage.endpoints import Endpoint
from app.storage.jobs import Job
from app.storage.openings import HoldoutSpent
from app.storage.projects import Project
from app.storage.session import Database
from app.storage.test_sets import Placement, TestSetVersion
from app.web.markdown import markdown
from app.web.report_documents import document
from tests.databases import migrated_file
from tests.gateway.scripted import Answer, Hit, completion, refusal, serving
from tests.services.tickets import Tickets, right, ticket

SIZE = 60
REASON = "before it goes live"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", block_size=20, in_flight=8, save_seconds=0.05, call_attempts=2)


def sometimes(hit: Hit) -> Answer:
    """Reads the label when the prompt says please; else it is wrong about shipping, and unreadable about one ticket."""
    if "Kindly" in hit.text or "[shipping]" not in hit.text:
        return right(hit)
    return completion("?" if "ticket 1000:" in hit.text else "billing")


def sealing(database: Database, settings: Settings, url: str, size: int = SIZE) -> Tickets:
    """The tickets' project with so many further tickets in its holdout, and a second prompt that says please."""
    tickets = Tickets.at(database, settings, url, 30)
    with database.write() as session:
        version = test_sets.newest_version(session, tickets.project_id)
        assert version is not None
        rows = [
            {"test_set_id": version.test_set_id, "key": f"s{n}", "input": ticket(1000 + n), "variables": {}, "meta": {}}
            for n in range(size)
        ]
        test_sets.add_examples(session, rows)
        ids = test_sets.ids_by_key(session, version.test_set_id)
        places = [
            {
                "version_id": version.id, "example_id": ids[f"s{n}"], "label": (1000 + n) % 3, "split": "holdout",
                "position": n,
            }
            for n in range(size)
        ]  # fmt: skip
        test_sets.place_examples(session, places)
        version.splits = {**version.splits, "holdout": size}
    return tickets


def draft(tickets: Tickets, better: str, **changes: object) -> OpeningDraft:
    usual = {"reason": REASON, "confirmed": True, **changes}
    return OpeningDraft(tickets.project_id, better, tickets.endpoint_id, **usual)  # type: ignore[arg-type]


def begin(tickets: Tickets, wanted: OpeningDraft, once: str = "") -> str:
    with tickets.database.write() as session:
        return opening.begin(session, tickets.settings, wanted, once)[0].id


def view(tickets: Tickets, opening_id: str) -> OpeningView:
    with tickets.database.read() as session:
        return report_views.opening_view(session, opening_id)


def grade_with_a_judge(tickets: Tickets) -> None:
    """Make the tickets' answers free texts; the judge has no price."""
    with tickets.database.write() as session:
        project = session.get_one(Project, tickets.project_id)
        texts = Texts("criterion", criterion="It is kind.", grader="x/judge")
        project.answers, project.labels, project.goal = answerspace.dump(Answers("text", texts=texts)), [], "mean_score"
        provider = session.get_one(Endpoint, tickets.endpoint_id).provider_id
        session.add(Endpoint(provider_id=provider, name="judge", role="judge"))
        session.execute(update(Placement).values(label=0, reference="as you like it"))


def test_a_report_tells_how_many_answers_have_no_grade(database: Database, settings: Settings) -> None:
    def judging(hit: Hit) -> Answer:
        if hit.body["model"] != "judge":
            return completion(f"kindly {hit.text}" if "Kindly" in hit.text else hit.text)
        is_no_verdict = "kindly" in hit.text and "[shipping]" in hit.text
        return completion("I cannot say" if is_no_verdict else '{"reason": "so", "fulfilled": "yes"}')

    with serving(judging) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        grade_with_a_judge(tickets)
        opening_id = begin(tickets, draft(tickets, better))
        tickets.work_on()
    report = view(tickets, opening_id).report
    assert report is not None
    assert report.best.holdout is not None
    assert report.best.holdout.n == SIZE
    assert report.best.holdout.value == pytest.approx(40 / SIZE, abs=1e-6)
    assert report.verdict == "worse", "no prompt gains by what its judge cannot read"
    found = {one.prompt: (one.ungraded, one.ungraded_alarm) for one in report.evidence.unreadable}
    assert found == {"start": (0, False), "best": (20, True)}
    assert "20 of 60, more than may be" in markdown(document(report))


def test_a_cap_on_money_refuses_a_grader_without_a_price(database: Database, settings: Settings) -> None:
    tickets = sealing(database, settings, "http://127.0.0.1:9")
    better = tickets.prompt("Kindly say: {{input}}")
    grade_with_a_judge(tickets)
    with pytest.raises(Invalid, match=r"x/judge has no known price"):
        begin(tickets, draft(tickets, better, max_cost=1_000_000))


def test_an_opening_is_answered_by_workers_and_ends_with_a_report(database: Database, settings: Settings) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        tickets.start(prompt_version_id=better)
        tickets.work_on()
        opening_id = begin(tickets, draft(tickets, better))
        assert view(tickets, opening_id).report is None
        tickets.work_on()
        assert len(server.hits) == 30 + 2 * SIZE
    found = view(tickets, opening_id)
    assert found.finished_at is not None
    assert [run.status for run in found.runs] == ["finished", "finished"]
    report = found.report
    assert report is not None
    assert (report.verdict, report.opened and report.opened.look) == ("better", 1)
    assert report.opened is not None
    assert report.opened.reason == REASON
    assert report.start.holdout is not None
    assert report.start.holdout.value == pytest.approx(40 / 60, abs=1e-5)
    assert report.start.holdout.n == SIZE
    assert report.best.holdout is not None
    assert report.best.holdout.value == 1.0
    assert report.best.dev is not None
    assert report.best.dev.n == 30
    assert report.gain is not None
    assert report.gain.value == pytest.approx(1 / 3, abs=1e-5)
    assert report.calls == 2 * SIZE
    told(report.evidence)
    with database.read() as session:
        assert session.scalars(select(Job)).all() == [], "what is done leaves no job behind"


def told(evidence: Evidence) -> None:
    assert (evidence.look, evidence.looks) == (1, 2)
    assert evidence.luck is not None
    assert evidence.luck.tried == 1, "one prompt has a score on this dev set"
    assert evidence.gap is not None
    assert evidence.gap.value == 0.0
    assert evidence.discordance == pytest.approx(1 / 3, abs=1e-5)
    assert [(one.name, one.n, one.start.value, one.best.value) for one in evidence.recalls] == [
        ("billing", 20, 1.0, 1.0), ("shipping", 20, 0.0, 1.0), ("returns", 20, 1.0, 1.0),
    ]  # fmt: skip
    assert [(one.prompt, one.count, one.n, one.alarm) for one in evidence.unreadable] == [
        ("start", 1, SIZE, False), ("best", 0, SIZE, False),
    ]  # fmt: skip
    assert evidence.best_use is not None
    assert (evidence.best_use.tokens_in, evidence.best_use.tokens_out, evidence.best_use.cost) == (7, 2, 11)


def test_an_opening_asks_nothing_twice_and_the_third_is_refused_everywhere(
    database: Database, settings: Settings
) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        first = begin(tickets, draft(tickets, better), once="a form")
        assert begin(tickets, draft(tickets, better), once="a form") == first, "a second click opens nothing"
        tickets.work_on()
        with database.read() as session:
            quote = opening.quote(session, settings, draft(tickets, better))
        assert (quote.look, quote.calls, quote.there, quote.spent) == (2, 0, 2 * SIZE, False)
        second = begin(tickets, draft(tickets, better, reason="to see it again"))
        tickets.work_on()
        assert len(server.hits) == 2 * SIZE
    assert view(tickets, first).report == view(tickets, first).report
    report = view(tickets, second).report
    assert report is not None
    assert report.evidence.look == 2
    with pytest.raises(HoldoutSpent, match="to see it again"):
        begin(tickets, draft(tickets, better))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(HoldoutOpening)) == 2
        assert opening.quote(session, settings, draft(tickets, better)).spent


def test_what_was_spent_shows_where_prompts_are_shown_once_the_report_is_there(
    database: Database, settings: Settings
) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        begin(tickets, draft(tickets, better))
        assert holdout_scores(tickets, better) == []
        tickets.work_on()
    assert holdout_scores(tickets, better) == [1.0]
    assert len(holdout_scores(tickets, tickets.prompt_id)) == 1
    assert holdout_scores(tickets, tickets.prompt("Another {{input}}")) == []
    with database.read() as session:
        assert {call.holdout for call in session.scalars(select(Call))} == {True}, "its calls are sealed"


def holdout_scores(tickets: Tickets, version_id: str) -> list[float]:
    with tickets.database.read() as session:
        set_id = session.scalars(select(TestSetVersion.id)).one()
        hashed = evaluations.settings_hash(0.0, tickets.settings.task_max_tokens)
        named = models(session)
        return [s.score.value for s in prompt_boards.holdout_scores(session, named, version_id, set_id, hashed)]


def test_an_opening_that_is_stopped_tells_of_what_both_have_answered(database: Database, settings: Settings) -> None:
    def failing(hit: Hit) -> Answer:
        return refusal(401, "no") if "Kindly" in hit.text else right(hit)

    with serving(failing) as server:
        tickets = sealing(database, settings, server.base_url)
        opening_id = begin(tickets, draft(tickets, tickets.prompt("Kindly say: {{input}}")))
        tickets.work_on()
        halted = next(one for one in view(tickets, opening_id).runs if one.status == "paused")
        assert "asks for a key" in halted.note
        with database.write() as session:
            steering.ask(session, halted.id, "stop")
        tickets.work_on()
    report = view(tickets, opening_id).report
    assert report is not None
    assert (report.verdict, report.gain, report.best.holdout) == ("not enough evidence", None, None)


def test_a_cap_is_of_both_prompts_together(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = sealing(database, settings, server.base_url)
        opening_id = begin(tickets, draft(tickets, tickets.prompt("Kindly: {{input}}")))
        cap(tickets, opening_id, SIZE + 10)
        tickets.work()
        tickets.work()
        assert len(server.hits) == SIZE + 10
        assert any(one.status == "exhausted" for one in view(tickets, opening_id).runs)
        with database.read() as session:
            [account] = {one.account_id for one in runs.of_opening(session, opening_id)}
        assert tickets.account(account).spent_calls == SIZE + 10
        cap(tickets, opening_id, 500)
        tickets.work_on()
    assert {one.status for one in view(tickets, opening_id).runs} == {"finished"}
    assert view(tickets, opening_id).report is not None


def cap(tickets: Tickets, opening_id: str, calls: int) -> None:
    with tickets.database.write() as session:
        open_one = next(one for one in runs.of_opening(session, opening_id) if one.status in runs.OPEN)
        steering.set_caps(session, open_one.id, {"max_calls": calls})


def test_stopping_one_that_a_cap_stopped_ends_the_opening(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = sealing(database, settings, server.base_url)
        opening_id = begin(tickets, draft(tickets, tickets.prompt("Kindly: {{input}}")))
        cap(tickets, opening_id, 10)
        tickets.work()
        tickets.work()
        resting = view(tickets, opening_id)
        assert (resting.rests, {one.status for one in resting.runs}) == (True, {"exhausted"})
        with pytest.raises(Conflict, match=r"v1 is stopped by a cap after \d+ of 60 examples; v2 is stopped by a cap"), \
                database.read() as session:  # fmt: skip
            report_views.of_opening(session, opening_id)
        with database.write() as session:
            steering.ask(session, resting.runs[0].id, "stop")
        tickets.work_on()
    ended = view(tickets, opening_id)
    assert {one.status for one in ended.runs} == {"stopped"}
    assert ended.report is not None
    assert (ended.report.is_part, ended.report.answered) == (True, min(one.done for one in resting.runs))
    said = f"stopped early, by a cap or a person: both prompts have answered {ended.report.answered} of 60 examples"
    assert said in markdown(document(ended.report)) or ended.report.answered == 0


def test_a_report_tells_every_goal_and_rests_on_the_first(database: Database, settings: Settings) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        with database.write() as session:
            session.get_one(Project, tickets.project_id).goal = "macro_f1; accuracy; accuracy - 0.001*tokens"
        opening_id = begin(tickets, draft(tickets, tickets.prompt("Kindly say: {{input}}")))
        tickets.work_on()
    report = view(tickets, opening_id).report
    assert report is not None
    assert (report.goal, report.is_part) == ("macro_f1", False)
    accuracy, cheaper = report.evidence.further
    assert (accuracy.goal, accuracy.best.value) == ("accuracy", 1.0)
    assert accuracy.start.value == pytest.approx(2 / 3, abs=1e-5)
    assert accuracy.gain.value == pytest.approx(1 / 3, abs=1e-5)
    assert cheaper.best.value == pytest.approx(1 - 0.009)
    written = markdown(document(report))
    assert "### Further goals, on the holdout" in written
    assert "The verdict rests on the first goal alone." in written


def test_a_look_is_not_spent_on_what_a_cap_on_calls_cannot_hold(database: Database, settings: Settings) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        with database.read() as session:
            quote = opening.quote(session, settings, draft(tickets, better, max_calls=5))
        assert (quote.calls, "take 120 calls" in quote.short) == (2 * SIZE, True)
        with pytest.raises(Invalid, match=r"take 120 calls.*Allow at least so many"):
            begin(tickets, draft(tickets, better, max_calls=2 * SIZE - 1))
        with database.write() as session:
            capping.set_shared(session, f"project:{tickets.project_id}", capping.Caps(calls=100))
        with pytest.raises(Invalid, match=r"take 120 calls.*0 of 100 calls are used.*Raise that cap first"):
            begin(tickets, draft(tickets, better))
        with database.write() as session:
            assert session.scalars(select(HoldoutOpening)).all() == []
            capping.set_shared(session, f"project:{tickets.project_id}", capping.Caps())
        opening_id = begin(tickets, draft(tickets, better, max_calls=2 * SIZE))
        tickets.work_on()
    assert view(tickets, opening_id).report is not None


def test_a_cap_on_tokens_that_dev_says_is_too_low_is_told_before_the_look_is_spent(
    database: Database, settings: Settings
) -> None:
    with serving(right) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        with database.read() as session:
            unknown = opening.quote(session, settings, draft(tickets, better, max_tokens=100)).may_stop
        tickets.start(prompt_version_id=better)
        tickets.work_on()
        with database.read() as session:
            low, enough = (
                opening.quote(session, settings, draft(tickets, better, max_tokens=cap, max_cost=cap)).may_stop
                for cap in (1_000, 10_000)
            )
    assert (unknown, enough) == ("", "")
    assert "may take about 1,080 tokens, by what they took on dev: under 1,000 tokens they stop until you raise" in low
    assert "may take about $0.00132, by what they took on dev: under $0.001 they stop" in low


def test_a_look_that_is_not_over_is_not_taken_again(database: Database, settings: Settings) -> None:
    with serving(right) as server:
        tickets = sealing(database, settings, server.base_url)
        better, other = tickets.prompt("Kindly say: {{input}}"), tickets.prompt("Say: {{input}}")
        first = begin(tickets, draft(tickets, better))
        with pytest.raises(Conflict, match=rf"Look 1 compares the same two prompts and is not over.*/openings/{first}"):
            begin(tickets, draft(tickets, better, reason="I pressed it again"))
        begin(tickets, draft(tickets, other))
        tickets.work_on()
    with pytest.raises(HoldoutSpent):
        begin(tickets, draft(tickets, better))


def test_the_same_two_prompts_are_known_from_an_earlier_look(database: Database, settings: Settings) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better, other = tickets.prompt("Kindly say: {{input}}"), tickets.prompt("Say: {{input}}")
        with database.read() as session:
            assert opening.quote(session, settings, draft(tickets, better)).repeats is None
        first = begin(tickets, draft(tickets, better))
        tickets.work_on()
    with database.read() as session:
        turned = draft(tickets, tickets.prompt_id, against_version_id=better)
        for again in (draft(tickets, better), turned):
            seen = opening.quote(session, settings, again).repeats
            assert seen is not None
            assert (seen.id, seen.number) == (first, 1)
        assert opening.quote(session, settings, draft(tickets, other)).repeats is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": "just because"}, "reason"),
        ({"reason": " x" * 400}, "reason"),
        ({"confirmed": False}, "confirmed"),
        ({"against_version_id": "the same"}, "against_version_id"),
        ({"against_version_id": "nobody"}, "against_version_id"),
        ({"endpoint_id": "nobody"}, "endpoint_id"),
        ({"max_calls": 0}, "max_calls"),
        ({"prompt_version_id": "nobody"}, "prompt_version_id"),
    ],
)
def test_what_is_wrong_is_said_by_its_field_and_opens_nothing(
    tmp_path: Path, settings: Settings, changes: dict[str, object], field: str
) -> None:
    database = Database(migrated_file(tmp_path / "a.sqlite3"))
    tickets = sealing(database, settings, "http://127.0.0.1:1/v1")
    better = tickets.prompt("Kindly: {{input}}")
    given: dict[str, object] = {"prompt_version_id": better, "endpoint_id": tickets.endpoint_id}
    given |= {"reason": REASON, "confirmed": True, **changes}
    if given.get("against_version_id") == "the same":
        given["against_version_id"] = better
    with pytest.raises(Invalid) as refused, database.write() as session:
        opening.begin(session, settings, OpeningDraft(project_id=tickets.project_id, **given))  # type: ignore[arg-type]
    assert {problem.where for problem in refused.value.problems} == {field}
    with database.read() as session:
        assert session.scalars(select(HoldoutOpening)).all() == []
    database.close()


def test_every_other_door_of_the_holdout_stays_shut(database: Database, settings: Settings) -> None:
    tickets = sealing(database, settings, "http://127.0.0.1:1/v1")
    wanted = RunDraft(tickets.project_id, tickets.prompt_id, tickets.endpoint_id, split="holdout")
    with pytest.raises(Invalid, match="with a reason"), database.write() as session:
        evaluating.start(session, settings, wanted)
    opening_id = begin(tickets, draft(tickets, tickets.prompt("Kindly: {{input}}")))
    with database.read() as session:
        version_id = openings.get(session, opening_id).version_id
        [evaluation_id, _] = [run.evaluation_id for run in runs.of_opening(session, opening_id)]
        for shut in (
            lambda: test_sets.sealed_examples(session, version_id, "a guess"),
            lambda: test_sets.examples(session, version_id, "holdout"),  # type: ignore[arg-type]
            lambda: shown.outputs(session, evaluation_id, version_id, "holdout", show="right", limit=1),
        ):
            with pytest.raises(ValueError, match=r"sealed|open"):
                shut()
        with pytest.raises(Conflict, match="v1 waits for a worker with 0 of 60 examples; v2 waits"):
            report_views.of_opening(session, opening_id)
        with pytest.raises(NotFound):
            report_views.opening_view(session, "a guess")


def test_an_opening_for_a_prompt_that_asks_for_probabilities_ends_like_any_other(
    database: Database, settings: Settings
) -> None:
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        with database.write() as session:
            line = prompts.line_of(session, tickets.project_id).id
            form = {"how": "text", "before": [], "probabilities": "votes"}
            better = prompts.add(session, line, "Kindly say: {{input}}", "person", form=form).id
        opening_id = begin(tickets, draft(tickets, better))
        tickets.work_on()
    report = view(tickets, opening_id).report
    assert report is not None
    assert report.verdict == "better"
    said = "v1 asks for plain text; v2 asks for plain text, probabilities from votes."
    assert said in markdown(document(report)), "two prompts may differ by how they ask alone"


def test_a_project_without_a_holdout_has_nothing_to_open(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:1/v1", 30)
    with pytest.raises(Conflict, match="no holdout"):
        begin(tickets, draft(tickets, tickets.prompt("Kindly: {{input}}")))
