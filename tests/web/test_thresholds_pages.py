"""Thresholds in the browser's eyes, and as JSON: tuned, slid, worked out, frozen, and honest where there is nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from app.services import retuning, tuning
from app.storage import heartbeats
from app.storage.evaluations import Evaluation
from app.storage.probabilities import Probability
from app.storage.prompts import PromptVersion
from tests.services.sure import Sure, answered
from tests.web.arena_world import World, serving
from tests.web.reading import words


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


@pytest.fixture
def sure(world: World) -> Sure:
    made = answered(world.database, world.settings, 330)
    tuning.keep(world.database, made.evaluation_id)
    return made


def work(world: World) -> None:
    """What a worker does when it is poked."""
    retuning.work(world.database, world.settings, world.poked[-1])


def here(sure: Sure) -> str:
    return f"/evaluations/{sure.run_id}/thresholds"


def test_a_class_is_shown_with_curve_counts_rules_and_calibration(world: World, sure: Sure) -> None:
    html = world.visitor().read(f"{here(sure)}?class=returns&rule=recall&precision=0.8")
    page = words(html)
    told: Any = world.visitor().json(f"{here(sure)}?class=returns&rule=recall&precision=0.8")
    at = told["tuned"]["chosen"]["at"]
    assert f"Is returns {at['tp']} found {at['fn']} missed Is not {at['fp']} false alarms" in page
    assert f"Said returns Not said Is returns {at['tp']}" in page
    assert "from token probabilities" in page
    assert "330 answers with probabilities" in page
    assert "Most found at a precision of 80%" in page
    assert "optimistic takes the precision seen here for the true one" in page
    assert "refused: isotonic calibration needs 1,000 labelled examples and there are 330" in page
    assert "A perfectly calibrated model would show" in page
    assert re.search(r"1–20 of 330", page)
    brought = json.loads(re.search(r'id="stops">(.*?)</script>', html, re.S)[1])  # type: ignore[index]
    assert (brought["positives"], brought["negatives"]) == (110, 220)
    assert at["threshold"] in brought["thresholds"]
    assert html.count("<circle") >= 4
    found, alarms = at["tp"] / 110, at["fp"] / 220
    assert f"At the chosen threshold {found:.1%} are found, with {alarms:.1%} of the others." in html


def test_without_javascript_a_typed_threshold_is_counted_exactly(world: World, sure: Sure) -> None:
    page = words(world.visitor().read(f"{here(sure)}?class=billing&rule=set&t=0.41"))
    p, truth = sure.shares[:, 0].astype(float), sure.expected == 0
    said = p >= 0.41
    assert f"Is billing {(said & truth).sum()} found {(~said & truth).sum()} missed" in page
    assert "Set by hand" in page


def test_what_cannot_be_used_is_said_beside_its_field(world: World, sure: Sure) -> None:
    html = world.visitor().read(f"{here(sure)}?precision=3&t=x&rule=set", status=422)
    assert 'id="error-precision"' in html
    assert "a target lies above 0 and at most at 1; given was 3" in words(html)
    assert 'id="error-t"' in html
    assert world.visitor().client.get(f"/api/v1{here(sure)}?precision=3").status_code == 422


@pytest.mark.parametrize(("name", "value"), [("t", "nan"), ("t", "2"), ("t", "abc"), ("abstain", "perhaps")])
def test_a_value_that_means_nothing_is_named_and_the_usual_choice_shown(
    world: World, sure: Sure, name: str, value: str
) -> None:
    page = words(world.visitor().read(f"{here(sure)}?{name}={value}", status=422))
    assert f"Something typed cannot be used. {name}: " in page
    assert "The usual choice is shown." in page
    assert world.visitor().client.get(f"/api/v1{here(sure)}?{name}={value}").status_code == 422


@pytest.mark.parametrize("value", ["nan", "2", "abc"])
def test_a_name_that_the_page_does_not_know_is_said_to_change_nothing(world: World, sure: Sure, value: str) -> None:
    visitor = world.visitor()
    plain = words(visitor.read(f"{here(sure)}?class=returns"))
    page = words(visitor.read(f"{here(sure)}?class=returns&threshold={value}&threshold=0.3"))
    note = f"Not understood: threshold={value}, threshold=0.3. It changes nothing here; this page takes class, rule, "
    assert note in page
    assert "Is returns" in page
    assert "Not understood" not in plain
    refused = visitor.client.get(f"/api/v1{here(sure)}?threshold={value}")
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "threshold")
    assert "is not known here; known are class, rule, " in refused.json()["problems"][0]["message"]


def test_the_doubtful_examples_go_on_twenty_at_a_time(world: World, sure: Sure) -> None:
    page = words(world.visitor().read(f"{here(sure)}?doubt=margin&offset=320"))
    assert "321–330 of 330" in page
    assert "Whose two leading values lie nearest together, of dev." in page


def test_an_uncertain_probability_is_marked(world: World, sure: Sure) -> None:
    with world.database.write() as session:
        session.query(Probability).update({"uncertain": True})
    world.visitor().send(f"{here(sure)}/work-out")
    work(world)
    page = words(world.visitor().read(here(sure)))
    assert "330 uncertain" in page
    assert "probability uncertain" in page


def test_thresholds_are_frozen_and_listed_with_the_prompt(world: World, sure: Sure) -> None:
    visitor = world.visitor()
    to = visitor.send(
        here(sure),
        {"class": "billing", "rule": "recall at precision>=0.8", "which": "every", "abstain": "yes", "accuracy": "0.9"},
    )
    assert to == f"/prompts/{sure.version_id}#frozen"
    page = words(visitor.read(f"/prompts/{sure.version_id}"))
    assert "Frozen thresholds" in page
    assert "holds recall at precision>=0.8 , on x/small 330 examples of dev" in page
    assert "Abstains below a probability of" in page
    with world.database.write() as session:
        session.get_one(PromptVersion, sure.version_id).format = {
            "how": "json",
            "before": [],
            "probabilities": "stated",
        }
    page = words(visitor.read(f"/prompts/{sure.version_id}"))
    assert "no longer holds" in page
    assert "The answer format changed since. Tune again." in page


def test_a_page_says_that_it_abstains_always_before_and_after_it_is_frozen(world: World) -> None:
    guessed = np.eye(3, dtype="<f4")[np.random.default_rng(1).integers(0, 3, 330)]
    made, visitor = answered(world.database, world.settings, 330, shares=guessed), world.visitor()
    tuning.keep(world.database, made.evaluation_id)
    said = "Abstains always: no limit keeps the accuracy at 0.9."
    page = words(visitor.read(f"{here(made)}?accuracy=0.9&abstain=yes"))
    assert f"{said} No threshold has an accuracy of surely 0.9 (lower bound, 90%), so no answer is given." in page
    assert f"And when to abstain: always {said}" in page
    assert "Left out is everything: no limit keeps the accuracy at 0.9." in page
    visitor.send(here(made), {"accuracy": "0.9", "abstain": "yes"})
    assert said in words(visitor.read(f"/prompts/{made.version_id}"))
    [told] = visitor.client.get(f"/api/v1/prompts/{made.version_id}/thresholds").json()
    assert (told["abstain_below"], told["least_margin"], told["abstaining"]["at"]) == (2.0, 0.0, 2.0)


def test_the_json_twin_freezes_and_lists(world: World, sure: Sure) -> None:
    client = world.visitor().client
    answer = client.post(f"/api/v1{here(sure)}", json={"class": "shipping", "rule": "f2", "calibrate": "temperature"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert [one["name"] for one in made["classes"]] == ["shipping"]
    assert (made["rule"], made["calibration"], made["changed"]) == ("f2", "temperature", [])
    assert client.get(f"/api/v1/prompts/{sure.version_id}/thresholds").json() == [made]
    assert client.get(f"/api/v1/thresholds/{made['id']}").json() == made
    assert client.get("/api/v1/thresholds/nobody").status_code == 404
    assert client.post(f"/api/v1{here(sure)}", json={"class": "praise"}).status_code == 422
    asked = client.post(f"/api/v1{here(sure)}/work-out")
    assert (asked.status_code, asked.json()) == (202, {"pending": True})
    work(world)
    assert client.get(f"/api/v1{here(sure)}/work-out").json() == {"pending": False}


def test_looking_writes_nothing_and_says_what_is_to_be_done(world: World) -> None:
    made = answered(world.database, world.settings, 60)
    visitor = world.visitor()
    assert "Not worked out yet" in words(visitor.read(here(made)))
    assert "Not worked out yet" in words(visitor.read(here(made)))
    assert visitor.send(f"{here(made)}/work-out") == here(made)
    assert "No worker answers. Nothing is lost" in words(visitor.read(here(made)))
    with world.database.write() as session:
        heartbeats.beat(session, "here:1")
    html = visitor.read(here(made))
    assert "A worker works it out." in words(html)
    assert '<meta http-equiv="refresh"' in html
    assert "Thresholds to work out 1" in words(visitor.read("/operations"))
    work(world)
    html = visitor.read(here(made))
    assert '<meta http-equiv="refresh"' not in html
    page = words(html)
    assert "Not tuned." in page
    assert "20 examples have the label, and tuning needs 30: the threshold stays 0.5" in page
    with world.database.write() as session:
        session.get_one(Evaluation, made.evaluation_id).n = 70
    assert "More answers came in since. This shows 60 of 70" in words(visitor.read(here(made)))


def test_without_probabilities_the_page_says_how_to_get_them(world: World) -> None:
    made = answered(world.database, world.settings, 30, form={})
    with world.database.write() as session:
        session.query(Probability).delete()
    html = world.visitor().read(here(made))
    assert "this version asks for answers alone" in words(html)
    assert f'href="/projects/{made.tickets.project_id}/prompts/new?parent={made.version_id}"' in html
    assert "No answer of this evaluation has probabilities yet." in world.visitor().send(
        f"{here(made)}/work-out", status=409
    )
    assert f'href="{here(made)}"' not in html


def test_the_evaluation_leads_to_its_thresholds(world: World, sure: Sure) -> None:
    with world.database.write() as session:
        row = session.get_one(Evaluation, sure.evaluation_id)
        row.goal, row.value, row.low, row.high = "accuracy", 0.8, 0.75, 0.85
    assert f'href="{here(sure)}"' in world.visitor().read(f"/evaluations/{sure.run_id}")


def test_a_cell_of_the_whole_table_is_a_link_to_its_examples(world: World, sure: Sure) -> None:
    html = world.visitor().read(f"{here(sure)}?class=billing&abstain=yes")
    links = re.findall(r'<td class="q[15]"><a href="([^"#]+)#doubts">(\d+)</a>', html)
    assert sum(int(count) for _, count in links) == 330
    address, count = links[0]
    opened = words(world.visitor().read(here(sure) + address.replace("&amp;", "&")))
    assert f"Only the {count} that are billing and taken for billing" in opened
    assert f"1–{min(20, int(count))} of {count}" in opened
    told: Any = world.visitor().json(f"{here(sure)}?class=billing&abstain=yes&expected=0&said=-2")
    cells = {(one["expected"], one["said"]): one["count"] for one in told["tuned"]["decided"]["cells"]}
    assert told["tuned"]["found"] == cells.get((0, -2), 0)


@pytest.mark.browser
def test_the_slider_moves_counts_curve_and_what_is_frozen_and_asks_once_for_the_whole_table(
    world: World, sure: Sure, browser: Browser
) -> None:
    p, truth = sure.shares[:, 0].astype(float), sure.expected == 0
    with serving(world.app()) as home:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page, complaints, asked = context.new_page(), list[str](), list[str]()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{home}{here(sure)}?class=billing")
        page.on("request", lambda request: None if "favicon" in request.url else asked.append(request.url))
        before = page.locator("#spot").get_attribute("cx")
        page.get_by_label("Threshold, by stops").focus()
        for _ in range(12):
            page.keyboard.press("ArrowRight")
        threshold = float(page.get_by_label("Threshold", exact=True).input_value())
        threshold = float(p[nearest(p, threshold)])
        said = p >= threshold
        expect(page.locator("[data-count=tp]")).to_have_text(str((said & truth).sum()))
        expect(page.locator("[data-count=fp]")).to_have_text(str((said & ~truth).sum()))
        expect(page.locator("[data-count=fn]")).to_have_text(str((~said & truth).sum()))
        expect(page.locator("[data-count=tn]")).to_have_text(str((~said & ~truth).sum()))
        expect(page.locator("[data-value=precision]")).to_have_text(f"{(said & truth).sum() / said.sum():.3f}")
        assert page.locator("#spot").get_attribute("cx") != before
        others = 1 + sure.shares[:, 1:].argmax(axis=1)
        taken = [int((truth & (np.where(said, 0, others) == code)).sum()) for code in range(3)]
        expect(page.locator("#decided-section tbody tr").first).to_have_text(f"billing{''.join(map(str, taken))}")
        assert (complaints, len(asked)) == ([], 1)
        ranked = page.locator("#roc-spot")
        assert float((ranked.get_attribute("cx") or "").rstrip("%")) == pytest.approx(
            100 * (said & ~truth).sum() / (~truth).sum(), abs=0.01
        )
        moved = float(ranked.get_attribute("cy") or 0)
        shown = page.locator("[data-interval=recall]").inner_text()
        page.get_by_role("button", name="Show", exact=True).first.click()
        expect(page.locator("#by-rule")).to_have_text("Set by hand")
        expect(page.locator("[data-interval=recall]")).to_have_text(shown)
        assert float(ranked.get_attribute("cy") or 0) == pytest.approx(moved, abs=0.1)
        expect(page.locator("[data-count=tp]")).to_have_text(str((said & truth).sum()))
        page.get_by_role("button", name="Freeze").click()
        expect(page.get_by_role("heading", name="Frozen thresholds")).to_be_visible()
        expect(page.get_by_text(re.compile(r"threshold 0\.\d+"))).to_be_visible()
        page.set_viewport_size({"width": 320, "height": 700})
        page.goto(f"{home}{here(sure)}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert complaints == []
        context.close()


@pytest.mark.browser
def test_on_a_phone_an_interval_stands_beneath_its_value(world: World, sure: Sure, browser: Browser) -> None:
    with serving(world.app()) as home:
        context = browser.new_context(viewport={"width": 390, "height": 800})
        page = context.new_page()
        page.goto(f"{home}{here(sure)}")
        cells = page.locator("td.num:has(.sub)")
        assert cells.count() == 3 * 2 + 3 * 4, "calibrations, and classes"
        for cell in cells.all():
            whole, beneath = cell.bounding_box(), cell.locator(".sub").bounding_box()
            assert whole is not None
            assert beneath is not None
            assert beneath["x"] > whole["x"] + 60, "behind the label"
        context.close()


def nearest(p: Any, threshold: float) -> int:
    return int(abs(p - threshold).argmin())
