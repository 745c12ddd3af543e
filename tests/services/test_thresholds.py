"""Thresholds of stored probabilities: what a page says is what the rows say, on both databases; frozen, held, confirmed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as quick
from hypothesis import strategies as st

from app.domain.calibration import from_json
from app.domain.curves import sweep
from app.domain.deciding import ABSTAINED, decide
from app.domain.probabilities import from_votes
from app.domain.thresholds import recall_at_precision
from app.errors import Conflict, Invalid
from app.services import freezing, frozen_reports, threshold_views, tuning
from app.services.frozen_reports import HoldoutCheck
from app.services.threshold_facts import Counts, ThresholdsView
from app.settings import Settings
from app.storage import evaluations, probabilities, prompts, tunings
from app.storage.answers import StoredAnswer
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation
from app.storage.probabilities import Threshold
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.session import Database
from app.storage.test_sets import Example, Placement
from tests.services.sure import Sure, answered, opened, seal
from tests.services.tickets import LABELS, Tickets


def look(sure: Sure, **given: str) -> ThresholdsView:
    with sure.database.read() as session:
        return threshold_views.thresholds_view(
            session, sure.run_id, {key.rstrip("_"): text for key, text in given.items()}
        )


def recount(truth: Any, p: Any, threshold: float) -> tuple[int, int, int, int]:
    said = p >= threshold
    return tuple(int(one.sum()) for one in (said & truth, said & ~truth, ~said & truth, ~said & ~truth))  # type: ignore[return-value]


def counted(at: Counts) -> tuple[int, int, int, int]:
    return at.tp, at.fp, at.fn, at.tn


@pytest.fixture
def sure(database: Database, settings: Settings) -> Sure:
    made = answered(database, settings, 330)
    assert tuning.keep(database, made.evaluation_id) == 330
    return made


def test_every_number_of_a_page_is_a_recount_of_the_rows(sure: Sure) -> None:
    for place, name in enumerate(LABELS):
        p, truth = sure.shares[:, place].astype(float), sure.expected == place
        view = look(sure, class_=name, rule="recall", precision="0.8", t="0.5")
        tuned = view.tuned
        assert tuned is not None
        assert (tuned.name, tuned.profile.n, tuned.profile.positives) == (name, 330, int(truth.sum()))
        for one in tuned.rules:
            assert counted(one.at) == recount(truth, p, one.at.threshold), one.rule
        stops = tuned.stops
        for threshold, tp, fp in zip(stops.thresholds, stops.tp, stops.fp, strict=True):
            assert recount(truth, p, threshold)[:2] == (tp, fp)
        wanted = recall_at_precision(sweep(truth, p), 0.8)
        assert (tuned.chosen.at.threshold, tuned.chosen.bound) == (wanted.at.threshold, wanted.bound)
        assert tuned.chosen.optimistic is not None
        assert wanted.optimistic is not None
        assert tuned.chosen.optimistic.threshold == wanted.optimistic.threshold


@given(threshold=st.floats(0, 1), place=st.integers(0, 2))
@quick(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_at_any_threshold_the_page_counts_as_the_rows_do(sure: Sure, threshold: float, place: int) -> None:
    view = look(sure, class_=LABELS[place], rule="set", t=repr(threshold))
    assert view.tuned is not None
    truth = sure.expected == place
    assert counted(view.tuned.chosen.at) == recount(truth, sure.shares[:, place].astype(float), threshold)


def test_the_doubtful_come_nearest_first_twenty_at_a_time(sure: Sure) -> None:
    p = sure.shares[:, 0].astype(float)
    with sure.database.read() as session:
        shown = threshold_views.thresholds_view(session, sure.run_id, {"rule": "set", "t": "0.4"}, 20).tuned
        by_margin = threshold_views.thresholds_view(session, sure.run_id, {"doubt": "margin"}).tuned
        ids = [row[0] for row in session.query(Placement.example_id).order_by(Placement.position)]
    assert shown is not None
    assert by_margin is not None
    nearest = np.argsort(np.abs(p - 0.4), kind="stable")[20:40]
    assert [one.example_id for one in shown.doubts] == [ids[at] for at in nearest]
    assert [one.p for one in shown.doubts] == p[nearest].tolist()
    assert shown.next_offset == 40
    top = np.sort(sure.shares.astype(float), axis=1)
    margins = top[:, -1] - top[:, -2]
    assert [one.margin for one in by_margin.doubts] == np.sort(margins.astype(np.float32)).astype(float)[:20].tolist()
    assert by_margin.doubts[0].text.startswith("ticket ")


def test_abstaining_keeps_what_is_surely_right(sure: Sure) -> None:
    view = look(sure, accuracy="0.9")
    assert view.tuned is not None
    away = view.tuned.abstaining
    top, right = sure.shares.max(axis=1), sure.shares.argmax(axis=1) == sure.expected
    kept = top.astype(float) >= away.at
    assert (away.kept, away.n) == (int(kept.sum()), 330)
    assert away.accuracy is not None
    assert away.accuracy.value == pytest.approx(right[kept].mean())
    assert away.accuracy.value > 0.9 > away.accuracy_of_all.value


def test_calibration_is_fitted_out_of_fold_and_refused_with_a_reason(sure: Sure) -> None:
    view = look(sure, calibrate="platt")
    assert view.tuned is not None
    told = {one.kind: one for one in view.tuned.calibrated}
    assert told["isotonic"].reason.startswith("isotonic calibration needs 1,000 labelled examples and there are 330")
    assert told["platt"].reason == ""
    assert told["platt"].error is not None
    with sure.database.read() as session:
        column, fitted = tuning.column_of(session, sure.evaluation_id, 0)
        folds = tuning.folds(session, sure.evaluation_id)
    used = np.concatenate(
        [from_json(fitted["platt"]["folds"][str(fold)]).apply(column.p[folds == fold]) for fold in range(5)]
    )
    truth = np.concatenate([column.truth[folds == fold] for fold in range(5)])
    assert counted(view.tuned.chosen.at) == recount(truth, used, view.tuned.chosen.at.threshold)
    with pytest.raises(Conflict, match="There is no isotonic calibration"):
        look(sure, calibrate="isotonic")


def test_few_examples_leave_the_threshold_at_a_half_and_say_why(database: Database, settings: Settings) -> None:
    few = answered(database, settings, 60)
    tuning.keep(database, few.evaluation_id)
    view = look(few)
    assert view.tuned is not None
    assert view.tuned.chosen.at.threshold == 0.5
    assert "20 examples have the label, and tuning needs 30" in view.tuned.chosen.reason


def test_reading_follows_the_order_of_the_examples_and_leaves_rows_of_other_answers_out(sure: Sure) -> None:
    with sure.database.write() as session:
        first = session.query(Placement).order_by(Placement.position).first()
        assert first is not None
        session.query(Placement).filter_by(example_id=first.example_id).update({"position": 10_000})
        second = session.query(Placement).order_by(Placement.position).first()
        assert second is not None
        row = session.get_one(probabilities.Probability, (sure.evaluation_id, second.example_id, 0))
        row.shares = row.shares + b"\0\0\0\0"
    with sure.database.read() as session:
        found = tuning.shares_of(session, session.get_one(Evaluation, sure.evaluation_id))
    assert found is not None
    shares, told = found
    assert (len(shares.examples), told["misfits"]) == (329, 1)
    assert shares.examples[-1] == first.example_id
    assert shares.values[:-1].tolist() == sure.shares[2:].tolist()
    assert shares.values[-1].tolist() == sure.shares[0].tolist()


def test_examples_of_a_group_share_a_fold(sure: Sure) -> None:
    with sure.database.write() as session:
        session.query(Example).filter(Example.key.in_(["1", "50", "200"])).update({"group": "one writer"})
    with sure.database.read() as session:
        found = tuning.shares_of(session, session.get_one(Evaluation, sure.evaluation_id))
    assert found is not None
    assert len(set(found[0].folds[[1, 50, 200]].tolist())) == 1
    assert set(found[0].folds.tolist()) == {0, 1, 2, 3, 4}


def test_votes_of_several_samples_are_probabilities_too(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:9/v1", 40)
    form = {"how": "text", "before": [], "probabilities": "votes"}
    with database.write() as session:
        line = session.get_one(PromptVersion, tickets.prompt_id).prompt_id
        version = prompts.add(session, line, "{{input}}", "person", form=form)
        placed = session.query(Placement).order_by(Placement.position).all()
        evaluation = evaluations.find_or_add(session, version.id, tickets.endpoint_id, placed[0].version_id, "dev", "v")
        answer = StoredAnswer(request_hash="v", owner="", sample=0, text="billing", finish_reason="stop")
        session.add(answer)
        session.flush()
        told = {"score": None, "answer_id": answer.id, "served_by": None, "counts": True}
        rows = [
            {
                "evaluation_id": evaluation.id,
                "example_id": one.example_id,
                "sample": sample,
                "reading": reading,
                "label": one.label,
                **told,
            }
            for one in placed
            for sample, reading in enumerate((one.label, one.label, 0, -1))
        ]
        evaluations.add_outputs(session, rows)
    with database.read() as session:
        found = tuning.shares_of(session, session.get_one(Evaluation, evaluation.id))
    assert found is not None
    shares, told_of = found
    assert told_of == {"sources": ["votes"], "misfits": 0, "samples": 4}
    votes = [3, 0, 0], [1, 2, 0], [1, 0, 2]
    for example in range(3):
        wanted = from_votes(votes[example], unreadable=1).shares
        assert shares.values[example].tolist() == pytest.approx(wanted, abs=1e-7)
    assert shares.readings[:3].tolist() == [0, 1, 2]


def test_nothing_is_worked_out_where_no_answer_has_probabilities(database: Database, settings: Settings) -> None:
    made = answered(database, settings, 30)
    with database.write() as session:
        session.query(probabilities.Probability).delete()
    assert tuning.keep(database, made.evaluation_id) == 0
    assert look(made).standing.state == "none"
    with database.write() as session, pytest.raises(Conflict, match="not worked out yet"):
        freezing.freeze(session, made.run_id, {})


def test_it_says_when_it_was_not_worked_out_or_grew_old_or_the_answers_changed(sure: Sure) -> None:
    assert look(sure).standing.state == "ready"
    with sure.database.write() as session:
        session.get_one(Evaluation, sure.evaluation_id).n += 1
    assert look(sure).standing.state == "old"
    with sure.database.write() as session:
        project = session.get_one(Project, sure.tickets.project_id)
        project.labels = [*project.labels, {"name": "praise"}]
    assert (look(sure).standing.state, look(sure).tuned) == ("raw", None)
    with sure.database.write() as session:
        tunings.replace(session, sure.evaluation_id, [])
    assert look(sure).standing.state == "raw"


def test_every_field_that_cannot_be_used_is_named(sure: Sure) -> None:
    with pytest.raises(Invalid) as wrong:
        look(sure, beta="many", precision="2", class_="praise", doubt="mood", accuracy="0")
    assert {problem.where for problem in wrong.value.problems} == {"beta", "class", "doubt", "accuracy", "precision"}


def frozen(sure: Sure, every: bool = False, abstain: bool = False, **given: str) -> Threshold:
    with sure.database.write() as session:
        asked = {key.rstrip("_"): text for key, text in given.items()}
        return freezing.freeze(session, sure.run_id, asked, every=every, abstain=abstain)


def test_frozen_thresholds_hold_until_what_they_rest_on_changes(sure: Sure) -> None:
    view = look(sure, rule="recall", precision="0.8")
    assert view.tuned is not None
    row = frozen(sure, rule="recall", precision="0.8")
    with sure.database.read() as session:
        kept = freezing.frozen_of_version(session, sure.version_id)
    assert [(one.id, one.rule, one.holds) for one in kept] == [(row.id, "recall at precision>=0.8", True)]
    assert kept[0].classes[0].tuned == view.tuned.chosen.at
    assert (kept[0].n, kept[0].sources, kept[0].run_id) == (330, ("logprobs",), sure.run_id)
    with sure.database.write() as session:
        line = session.get_one(PromptVersion, sure.version_id).prompt_id
        child = prompts.add(session, line, "Which? {{input}}", "person", parents=[sure.version_id]).id
    with sure.database.read() as session:
        assert freezing.frozen_of_version(session, child)[0].changed == ("prompt version", "answer format")
    with sure.database.write() as session:
        session.get_one(Endpoint, sure.tickets.endpoint_id).name = "large"
        session.get_one(Project, sure.tickets.project_id).labels = [{"name": one} for one in (*LABELS, "praise")]
    with sure.database.read() as session:
        assert freezing.frozen_of_version(session, sure.version_id)[0].changed == ("endpoint", "answer format")


def test_every_class_is_frozen_by_one_rule_with_its_calibrator(sure: Sure) -> None:
    row = frozen(
        sure, every=True, abstain=True, rule="f2", calibrate="temperature", confidence="margin", accuracy="0.9"
    )
    with sure.database.read() as session:
        kept = freezing.view(session, row)
    assert [one.name for one in kept.classes] == list(LABELS)
    assert all(one["calibrator"]["kind"] == "temperature" for one in row.chosen["classes"])
    assert kept.abstaining is not None
    assert (kept.least_margin, kept.abstain_below) == (kept.abstaining.at, 0.0)


@pytest.mark.parametrize("confidence", ["probability", "margin"])
def test_a_frozen_choice_to_abstain_always_gives_no_answer_however_sure(
    database: Database, settings: Settings, confidence: str
) -> None:
    certain = np.eye(3, dtype="<f4")[np.random.default_rng(1).integers(0, 3, 330)]
    sure = answered(database, settings, 330, shares=certain)
    tuning.keep(database, sure.evaluation_id)
    row = frozen(sure, abstain=True, confidence=confidence)
    stored = freezing.frozen_thresholds(row)
    assert decide(certain, None, stored.abstain_below, stored.least_margin).tolist() == [ABSTAINED] * 330
    assert stored.abstains_always
    with sure.database.read() as session:
        kept = freezing.view(session, row)
    assert max(kept.abstain_below, kept.least_margin) == 2.0, "a number above every probability that JSON can say"
    assert kept.abstaining is not None
    assert (kept.abstaining.always, kept.abstaining.kept) == (True, 0)


def confirm(sure: Sure, row: Threshold, opening_id: str) -> HoldoutCheck | None:
    with sure.database.read() as session:
        return frozen_reports.frozen_on_holdout(session, row, opening_id)


def test_a_frozen_threshold_is_confirmed_on_the_holdout_that_was_opened(database: Database, settings: Settings) -> None:
    tickets = Tickets.at(database, settings, "http://127.0.0.1:9/v1", 600)
    seal(database, 240)
    dev = answered(database, settings, 600, tickets=tickets, seed=3)
    tuning.keep(database, dev.evaluation_id)
    row = frozen(dev, abstain=True, rule="recall", precision="0.75", accuracy="0.8", calibrate="platt")
    opening_id = opened(database)
    assert confirm(dev, row, opening_id) is None, "nobody answered it yet"
    held = answered(database, settings, 600, tickets=tickets, seed=4, split="holdout")
    found = confirm(dev, row, opening_id)
    assert found is not None
    assert (found.n, found.lacking, found.changed) == (240, 0, ())
    one, place = found.classes[0], 0
    calibrator = from_json(row.chosen["classes"][0]["calibrator"])
    p = calibrator.apply(held.shares[:, place].astype(float))
    assert counted(one.holdout) == recount(held.expected == place, p, one.threshold)
    assert one.reached == (one.holdout.precision is not None and one.holdout.precision.value >= 0.75)
    kept = held.shares.max(axis=1).astype(float) >= freezing.frozen_thresholds(row).abstain_below
    assert found.kept == int(kept.sum())
    with pytest.raises(ValueError, match="sealed"):
        confirm(dev, row, "no opening")
    with database.read() as session:
        sealed_one = session.get_one(Evaluation, held.evaluation_id)
        with pytest.raises(ValueError, match="sealed"):
            tuning.shares_of(session, sealed_one)
        with pytest.raises(ValueError, match="sealed"):
            probabilities.doubtful(session, sealed_one, [1])
        assert threshold_views.thresholds_view(session, held.run_id, {}).standing.state == "sealed"
        with pytest.raises(Conflict, match="tuned on train or dev"):
            threshold_views.evaluation_of(session, held.run_id)


def told(view: ThresholdsView) -> dict[tuple[int, int], int]:
    assert view.tuned is not None
    assert view.tuned.decided is not None
    return {(one.expected, one.said): one.count for one in view.tuned.decided.cells}


def recounted(sure: Sure, said: Any) -> dict[tuple[int, int], int]:
    pairs = list(zip(sure.expected.tolist(), said.tolist(), strict=True))
    return {pair: pairs.count(pair) for pair in sorted(set(pairs))}


def test_the_whole_table_takes_the_shown_class_at_its_threshold_and_else_the_likeliest_other(sure: Sure) -> None:
    p = sure.shares.astype(float)
    for threshold in (0.2, 0.9):
        others = 1 + p[:, 1:].argmax(axis=1)
        said = np.where(p[:, 0] >= threshold, 0, others)
        view = look(sure, class_=LABELS[0], rule="set", t=str(threshold))
        assert told(view) == recounted(sure, said)
        assert view.tuned is not None
        assert view.tuned.decided is not None
        assert [one.source for one in view.tuned.decided.thresholds] == ["shown", "", ""]
        assert view.tuned.decided.right is not None
        assert view.tuned.decided.right.value == pytest.approx((said == sure.expected).mean())
        assert view.tuned.decided.top.value == pytest.approx((p.argmax(axis=1) == sure.expected).mean())
        at = view.tuned.chosen.at
        assert at.tp == told(view)[0, 0], "the small table and the whole one count the shown class alike"


def test_frozen_thresholds_of_the_other_classes_decide_too_and_the_doubtful_are_left_out(sure: Sure) -> None:
    with sure.database.write() as session:
        for name, threshold in ((LABELS[1], "threshold 0.3"), (LABELS[2], "threshold 0.6")):
            freezing.freeze(session, sure.run_id, {"class": name, "rule": threshold})
    p, at = sure.shares.astype(float), np.array([0.4, 0.3, 0.6])
    given = {"class_": LABELS[0], "rule": "set", "t": "0.4", "accuracy": "0.9"}
    assert told(look(sure, **given)) == recounted(sure, (p - at).argmax(axis=1))
    view = look(sure, **given, abstain="yes")
    assert view.tuned is not None
    kept = p.max(axis=1) >= view.tuned.abstaining.at
    assert told(view) == recounted(sure, np.where(kept, (p - at).argmax(axis=1), -2))
    assert view.tuned.decided is not None
    assert view.tuned.decided.given == view.tuned.abstaining.kept == int(kept.sum()) < 330


def test_every_cell_of_the_table_opens_its_examples(sure: Sure) -> None:
    given = {"rule": "set", "t": "0.35"}
    cells = told(look(sure, **given))
    for (expected, said), count in cells.items():
        tuned = look(sure, **given, expected=str(expected), said=str(said)).tuned
        assert tuned is not None
        assert tuned.found == count
        assert len(tuned.doubts) == min(20, count)
        assert {one.expected for one in tuned.doubts} == {LABELS[expected]}
    row = look(sure, **given, expected="1").tuned
    assert row is not None
    assert row.found == int((sure.expected == 1).sum())


@pytest.mark.parametrize("code", ["3", "-1", "one", "01"])
def test_a_cell_that_is_not_there_is_refused_by_its_field(sure: Sure, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        look(sure, said=code)
    assert [problem.where for problem in refused.value.problems] == ["said"]
