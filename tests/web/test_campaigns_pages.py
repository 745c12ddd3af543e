"""Campaigns in the browser's eyes: started, watched, paused, stopped, and what their end says."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import delete, select, update

from app.domain.improving.state import Rules
from app.services import campaigns
from app.services.improving import KIND
from app.services.pacing import confirming_left, seconds_left
from app.services.veiling import compared
from app.storage import jobs
from app.storage.answers import Call
from app.storage.base import now
from app.storage.campaigns import Campaign, HoldoutOpening
from app.storage.confirmations import Answered
from app.storage.endpoints import Endpoint
from app.storage.evaluations import Evaluation, Output
from app.storage.ledger import Account
from app.storage.live import Pace
from app.storage.rounds import Battle, Candidate, Round
from app.storage.test_sets import TestSetVersion
from tests.web.arena_world import CANARY, DUO, TRIO, Played, Watched, World, elsewhere, serving
from tests.web.reading import words


def test_no_name_of_an_undecided_round_stands_anywhere(arena: Played) -> None:
    visitor, here = arena.world.visitor(), f"/campaigns/{arena.undecided}"
    shown = [visitor.read(path) for path in (here, f"{here}/live", f"{here}/rounds/1", f"{here}/stop")]
    told = [str(visitor.json(path)) for path in (here, f"{here}/rounds", f"{here}/rounds/1", f"/calls?campaign={arena.undecided}")]  # fmt: skip
    hidden = [arena.world.endpoint(name) for name in DUO]
    for body in (*shown, *told):
        assert not [one.full_name for one in hidden if one.name in body or one.id in body]
    assert shown[0].count("name hidden") == 4, "twice in the battle, twice in the list of rounds"
    assert "next look at" in shown[0]


def test_names_are_told_once_the_battle_is_decided(arena: Played) -> None:
    visitor = arena.world.visitor()
    html = visitor.read(f"/campaigns/{arena.finished}")
    assert "name hidden" not in html
    rounds: Any = visitor.json(f"/campaigns/{arena.finished}/rounds")["rounds"]
    assert [one["number"] for one in rounds] == [3, 2, 1]
    assert {one[side]["generator"] for one in rounds for side in ("left", "right")} <= set(TRIO)


def test_a_running_campaign_asks_for_itself_and_a_finished_one_does_not(arena: Played) -> None:
    visitor = arena.world.visitor()
    assert f'hx-get="/campaigns/{arena.undecided}/live"' in visitor.read(f"/campaigns/{arena.undecided}")
    assert "hx-get" not in visitor.read(f"/campaigns/{arena.finished}")
    assert "hx-get" not in visitor.read(f"/campaigns/{arena.finished}/live")


def test_the_race_of_a_round_is_shown_on_what_both_have_answered(arena: Played) -> None:
    battle: Any = arena.world.visitor().json(f"/campaigns/{arena.undecided}")["battle"]
    left, right = battle["left"]["score"], battle["right"]["score"]
    counts = [battle[name] for name in ("only_left", "only_right", "both_right", "both_wrong")]
    assert left["n"] == right["n"] == battle["n"] == sum(counts) == 50
    assert battle["difference"]["value"] == pytest.approx(right["value"] - left["value"], abs=1e-6)
    assert battle["left"]["right"] == battle["only_left"] + battle["both_right"]


def test_readings_that_were_counted_compare_like_those_that_were_listed() -> None:
    pairs = ((0, 0, 1, 3), (0, 1, 0, 1), (1, 1, 1, 4), (1, -1, 1, 2))
    rules = Rules(goal="accuracy", labels=2, train_size=1, dev_size=1)
    difference = compared(rules, pairs)
    assert difference
    assert (difference.n, difference.value) == (10, 0.0)
    assert compared(rules, ()) is None


@pytest.mark.parametrize(
    ("pace", "rounds_left", "calls_left", "elapsed", "seconds"),
    [
        (Pace(0, 0.0, 0), 10, 1000, 0.0, None),
        (Pace(2, 20.0, 400), 5, 10_000, 0.0, 50.0),
        (Pace(2, 20.0, 400), 5, 10_000, 4.0, 46.0),
        (Pace(2, 20.0, 400), 5, 10_000, 3600.0, 40.0),
        (Pace(2, 20.0, 400), None, 1000, 0.0, 50.0),
        (Pace(2, 20.0, 400), 9, 400, 0.0, 20.0),
        (Pace(2, 20.0, 0), None, 1000, 0.0, None),
        (Pace(2, 20.0, 400), 0, 1000, 0.0, 0.0),
    ],
)
def test_time_left_follows_rounds_or_calls_whichever_end_first(
    pace: Pace, rounds_left: int | None, calls_left: int, elapsed: float, seconds: float | None
) -> None:
    assert seconds_left(pace, rounds_left, calls_left, elapsed) == seconds


def test_time_left_holds_the_holdout_too() -> None:
    assert seconds_left(Pace(2, 20.0, 400), 5, 10_000, 0.0, confirming=100) == 55.0
    assert seconds_left(Pace(2, 20.0, 0), 5, 10_000, 0.0, confirming=100) is None, "no call, no pace for the holdout"


def test_time_for_the_holdout_follows_its_own_answers_once_there_are_some() -> None:
    rounds = Pace(2, 20.0, 400)
    assert confirming_left(Answered(0, 0, None), rounds, 100) == 5.0
    assert confirming_left(Answered(0, 0, None), Pace(2, 20.0, 0), 100) is None
    begun = now() - timedelta(seconds=30)
    assert confirming_left(Answered(60, 30, begun), rounds, 100) == pytest.approx(40, abs=1)
    assert confirming_left(Answered(100, 100, begun), rounds, 100) == 0.0


def confirming(world: World, campaign_id: str) -> int:
    """Put a finished campaign back to where half of its holdout is answered; gives the holdout's size."""
    with world.database.write() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.best_version_id != campaign.start_version_id
        campaign.status, campaign.verdict, campaign.report = "running", None, None
        kept = select(Evaluation.id).where(Evaluation.split == "holdout")
        session.execute(delete(Output).where(Output.evaluation_id.in_(kept)))
        bought = select(Call.id).where(Call.holdout, Call.prompt_version_id == campaign.best_version_id)
        session.execute(delete(Call).where(Call.id.in_(bought)))
        return int(session.get_one(TestSetVersion, campaign.version_id).splits["holdout"])


def test_the_holdout_has_a_bar_and_a_time_of_its_own(arena: Played, own: World) -> None:
    size = confirming(own, arena.finished)
    visitor = own.visitor()
    told: Any = visitor.json(f"/campaigns/{arena.finished}")["progress"]
    assert (told["phase"], told["share"]) == ("confirming", 0.5)
    assert told["seconds_left"] > 0
    html = visitor.read(f"/campaigns/{arena.finished}")
    assert "50% of the holdout&#39;s answers" in html
    assert re.search(r"About [^<]+ more", html)
    assert size > 20
    assert "after the first round" not in html
    with own.database.write() as session:
        session.get_one(Campaign, arena.finished).status = "paused"
    told = visitor.json(f"/campaigns/{arena.finished}")["progress"]
    assert (told["phase"], told["share"], told["seconds_left"]) == ("paused", 0.5, None)


def test_a_report_that_is_being_written_waits_for_nothing(arena: Played, own: World) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        campaign.status, campaign.best_version_id = "running", campaign.start_version_id
    html = own.visitor().read(f"/campaigns/{arena.finished}")
    assert "Writing the report." in html
    assert "Time left" not in html


def test_a_finished_campaign_shows_what_its_report_says(arena: Played) -> None:
    visitor = arena.world.visitor()
    report: Any = visitor.json(f"/campaigns/{arena.finished}/report")
    text = words(visitor.read(f"/campaigns/{arena.finished}"))
    for side in ("start", "best"):
        for split in ("dev", "holdout"):
            found = report[side][split]
            assert f"{found['value']:.3f} 95% interval {found['low']:.3f}–{found['high']:.3f} · n {found['n']}" in text
    assert "Opening 1 of this holdout" in text
    assert "Dotted line: always answering the commonest label" in text
    assert "Ended because all its rounds were played." in text
    assert "leads on dev" in text
    assert "improved" not in text
    assert visitor.json(f"/campaigns/{arena.undecided}/report", 409)["detail"]


VERDICTS = [
    ("better", True, "is better than the start prompt. It is now this project's champion", False),
    ("worse", True, "is worse than the start prompt. The start prompt is kept.", True),
    ("tie", True, "differ by less than the smallest gain that matters, 0.02. The start prompt is kept.", True),
    ("not enough evidence", True, "cannot tell the two apart. The start prompt is kept.", True),
    ("not enough evidence", False, "too small to have a holdout, so nothing could be confirmed.", True),
    ("start kept", False, "No candidate led the start prompt on dev. The start prompt is kept, and the holdout stays shut.", True),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "opened", "sentence", "kept"), VERDICTS)
def test_every_verdict_says_what_is_kept(
    own: World, arena: Played, verdict: str, opened: bool, sentence: str, kept: bool
) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.finished)
        report = {**(campaign.report or {}), "verdict": verdict, "kept": "start" if kept else "best"}
        if not opened:
            report |= {"gain_on_holdout": None, "holdout_opened": 0}
            report |= {side: {**report[side], "holdout": None} for side in ("start", "best")}
            session.execute(delete(HoldoutOpening))
        campaign.report, campaign.verdict = report, verdict
    text = words(own.visitor().read(f"/campaigns/{arena.finished}"))
    assert f"Result {verdict.capitalize()}" in text
    assert sentence in text
    assert ("The start prompt is kept" in text) == kept
    assert ("p " in text and "two-sided" in text) == opened


def test_a_look_that_is_not_the_first_says_so(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(update(HoldoutOpening).values(number=3))
    text = words(own.visitor().read(f"/campaigns/{arena.finished}"))
    assert "Opening 3 of this holdout: it was looked at 2 times before, so this look proves less" in text


def test_a_refused_side_and_a_walkover_are_said_in_words(own: World, arena: Played) -> None:
    refused = {"refusal_rule": "placeholder_lost", "refusal_detail": "{{input}}", "prompt_version_id": None, "value": None}  # fmt: skip
    fought = {"outcome": "left", "walkover": True, "decisive": None, "difference": None, "evidence": None, "n": 0}
    with own.database.write() as session:
        session.execute(update(Candidate).where(Candidate.campaign_id == arena.finished, Candidate.round == 1, Candidate.seat == "right").values(**refused))  # fmt: skip
        session.execute(update(Battle).where(Battle.campaign_id == arena.finished, Battle.round == 1).values(**fought))
    row = words(own.visitor().read(f"/campaigns/{arena.finished}").split("/rounds/1")[1])
    assert "refused: placeholder lost" in row
    assert "Left won by walkover" in row
    page = words(own.visitor().read(f"/campaigns/{arena.finished}/rounds/1"))
    assert "Refused placeholder lost: {{input}}" in page


def test_many_rounds_come_in_pages_without_gap_or_repeat(own: World, arena: Played) -> None:
    with own.database.write() as session:
        left, right = session.scalars(select(Endpoint.id).order_by(Endpoint.id).limit(2))
        for number in range(4, 64):
            session.add(Round(campaign_id=arena.finished, number=number, inputs={}, settled=True, settled_at=now()))
            session.add(Battle(campaign_id=arena.finished, round=number, left_endpoint_id=left, right_endpoint_id=right, outcome="none"))  # fmt: skip
    visitor, here, seen = own.visitor(), f"/campaigns/{arena.finished}", list[int]()
    path: str | None = here
    while path:
        html = visitor.read(path.partition("#")[0])
        seen += [int(number) for number in re.findall(rf'class="name" href="{here}/rounds/(\d+)"', html)]
        older = re.search(rf'href="({here}\?before=\d+#rounds)" rel="next"', html)
        path = older[1] if older else None
    assert seen == list(range(63, 0, -1))


def test_the_budget_says_unknown_when_a_price_is_missing(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(update(Account).values(unpriced=1))
    text = words(own.visitor().read(f"/campaigns/{arena.undecided}"))
    assert "Cost unknown a price is missing" in text
    assert re.search(r"\d+ of the calls that are left are kept for the holdout", text)


def test_a_campaign_that_waits_for_a_worker_says_so(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == arena.undecided).values(status="running"))
    assert "No worker answers." in words(own.visitor().read(f"/campaigns/{arena.undecided}"))


def test_a_fault_that_paused_a_campaign_is_told_with_what_to_do(own: World, arena: Played) -> None:
    with own.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == arena.undecided).values(note="Enter a valid API key."))
    assert "Paused by a fault. Enter a valid API key." in words(own.visitor().read(f"/campaigns/{arena.undecided}"))


def test_a_pause_by_a_person_after_a_passing_fault_is_no_fault(own: World, arena: Played) -> None:
    with own.database.write() as session:
        campaign = session.get_one(Campaign, arena.undecided)
        campaign.status, campaign.note = "running", "The server was busy."
        campaigns.ask(session, campaign.id, "pause")
        jobs.want(session, KIND, campaign.id)
    own.drive(arena.undecided_job)
    text = words(own.visitor().read(f"/campaigns/{arena.undecided}"))
    assert "Paused. Answers that were bought are kept" in text
    assert "fault" not in text


def test_no_page_of_a_campaign_holds_a_holdout_example(arena: Played) -> None:
    visitor, here = arena.world.visitor(), f"/campaigns/{arena.finished}"
    paths = (here, f"{here}/rounds/0", f"{here}/rounds/1", f"{here}/rounds/2", f"/calls?campaign={arena.finished}")
    assert not [path for path in paths if CANARY in visitor.read(path)]
    assert not [path for path in (*paths[:4], f"{here}/report") if CANARY in str(visitor.json(path))]


def test_pausing_takes_effect_after_the_calls_under_way(own: World, arena: Played) -> None:
    here = f"/campaigns/{arena.undecided}"
    with own.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == arena.undecided).values(status="running"))
    visitor = own.visitor()
    assert visitor.send(f"{here}/pause") == here
    assert own.poked == [arena.undecided_job]
    assert "Pausing was asked for. It takes effect after the calls under way" in words(visitor.read(here))
    own.drive(arena.undecided_job)
    assert own.campaign(arena.undecided).status == "paused"
    assert "was asked for" not in visitor.read(here)


def test_what_cannot_be_asked_now_is_refused_with_a_sentence(own: World, arena: Played) -> None:
    visitor = own.visitor()
    assert "paused already" in visitor.send(f"/campaigns/{arena.undecided}/pause", status=409)
    assert "is over" in visitor.send(f"/campaigns/{arena.finished}/stop", status=409)
    assert visitor.client.post(f"/api/v1/campaigns/{arena.finished}/resume", json={}).status_code == 409


def test_stopping_asks_first_and_then_ends_the_campaign_without_its_names(own: World, arena: Played) -> None:
    visitor, here = own.visitor(), f"/campaigns/{arena.undecided}"
    page = words(visitor.read(f"{here}/stop"))
    assert "It cannot be resumed afterwards. Pausing keeps that possible." in page
    assert "the holdout stays shut" in page
    assert own.campaign(arena.undecided).status == "paused"
    visitor.send(f"{here}/stop")
    own.drive(arena.undecided_job)
    text = words(visitor.read(here))
    assert "Ended because a person stopped it." in text
    assert "Result Start kept" in text
    assert "never decided" in text
    assert "name hidden" in text
    assert "Never decided: the campaign ended in it." in words(visitor.read(f"{here}/rounds/1"))


def test_a_person_resumes_a_campaign_and_watches_it_to_its_end(own: World, arena: Played) -> None:
    """The journey through the real parts: form, driver, practice models over HTTP, page."""
    visitor, here = own.visitor(), f"/campaigns/{arena.undecided}"
    with serving(Watched()) as url:
        own.offer(url)
        visitor.send(f"{here}/resume")
        own.drive(own.poked.pop())
    text = words(visitor.read(here))
    assert "Finished" in text
    assert "name hidden" not in text
    told: Any = visitor.json(here)
    assert told["result"]["verdict"] == told["result"]["verdict"].lower()
    assert len(told["rounds"]) == told["settled_rounds"] > 0


@pytest.mark.browser
def test_the_page_follows_a_campaign_to_its_end_without_a_reload(own: World, arena: Played, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked, wrong = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    with serving(Watched()) as url, serving(own.app()) as home:
        elsewhere(lambda: own.offer(url)).join()
        page.goto(f"{home}/campaigns/{arena.undecided}")
        page.get_by_text("Show the numbers").click()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Going on was asked for.")).to_be_visible()
        page.get_by_text("Show the numbers").click()
        driving = elsewhere(lambda: own.drive(own.poked.pop()))
        expect(page.get_by_role("heading", name="Result")).to_be_visible(timeout=60_000)
        driving.join()
        expect(page.locator("#best-numbers table")).to_be_visible()
        expect(page.get_by_text("name hidden")).to_have_count(0)
        expect(page.locator("#announcer")).to_contain_text("Finished:")
        settled = len(asked)
        page.wait_for_timeout(3000)
        assert len(asked) == settled, "a finished campaign is not asked for again"
    page.close()
    assert wrong == []
