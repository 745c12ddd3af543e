"""Evaluations in the browser's eyes: ordered, watched while workers answer, paused, capped, stopped, and summed up."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from app.domain.comparing import minimum_detectable_gain
from app.services import campaigns
from app.services.campaigns import CampaignDraft
from app.storage import jobs, prompts, runs
from app.storage.base import now
from app.storage.endpoints import Endpoint, Provider
from app.storage.evaluations import Evaluation
from app.storage.prices import Price
from app.storage.projects import Project
from app.storage.runs import Run
from tests.gateway.scripted import refusal, serving
from tests.services.tickets import right
from tests.web.desks import Desk, at_a_desk
from tests.web.reading import token_on, words

SIZE = 50
TAKES = (
    "An answer takes 9.0 tokens on average (95% interval 9.0–9.0, n 50) and $0.000011 ($0.000011 to $0.000011, n 50)."
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with at_a_desk(tmp_path, SIZE) as found:
        yield found


def test_an_evaluation_is_ordered_watched_and_summed_up(desk: Desk) -> None:
    here = desk.order()
    run_id = here.rsplit("/", 1)[1]
    assert len(desk.world.poked) == 3, "each block that waits is nudged"
    html = desk.visitor.read(here)
    assert f'hx-get="/evaluations/{run_id}/live"' in html
    assert "Waiting for a worker." in words(html)
    desk.work_once()
    assert "All answers are there. Summing up." in desk.page(f"{here}/live")
    desk.tickets.drive()
    html = desk.visitor.read(here)
    assert "hx-get" not in html
    page = words(html)
    assert "All 50 answers are there" in page
    assert "accuracy on dev, of 50 examples." in page.replace("Accuracy", "accuracy")
    assert re.search(r"1\.000 95% interval 0\.9\d\d–1\.000 · n 50", page)
    assert "here:1/1 not at work on it now 50 3 of 3 done" in page
    assert TAKES in page
    project = desk.page(f"/projects/{desk.tickets.project_id}")
    assert re.search(r"v1 by a person 9 characters 1\.000 95% interval", project), "its score stands at the prompt"
    assert "v1 on dev" in project
    assert f'href="/calls?run={run_id}"' in html
    told = desk.told(here)
    assert (told["status"], told["done"], told["right"], told["unreadable"]) == ("finished", 50, 50, 0)
    assert [one["used"] for one in told["used"]] == [50, 450, 550]
    assert told["measures"]["means"]["tokens"] == {"value": 9, "low": 9, "high": 9, "n": 50}
    calls: Any = desk.told(f"/calls?run={run_id}&limit=100")["calls"]
    assert {call["run_id"] for call in calls} == {run_id}
    assert len(calls) == 50
    assert desk.told("/calls?run=another")["calls"] == []


def test_a_summary_of_an_older_agon_shows_its_means_without_an_interval(desk: Desk) -> None:
    here = desk.order()
    desk.tickets.work()
    with desk.world.database.write() as session:
        row = session.scalars(select(Evaluation)).one()
        row.summary = {**(row.summary or {}), "means": {"score": 1.0, "tokens": 9.0, "cost": 11.0}}
    assert "An answer takes 9.0 tokens on average." in desk.page(here)
    told = desk.told(f"/evaluations/{here.rsplit('/', 1)[1]}")
    assert told["measures"]["means"]["cost"] == {"value": 11, "low": None, "high": None, "n": None}


def test_no_mean_of_the_cost_is_told_where_a_price_was_unknown(desk: Desk) -> None:
    here = desk.order()
    with desk.world.database.write() as session:
        session.execute(delete(Price))
    desk.tickets.work()
    assert "An answer takes 9.0 tokens on average (95% interval 9.0–9.0, n 50)." in desk.page(here)


def test_every_goal_is_shown_and_what_counts_all_answers_and_what_the_first(desk: Desk) -> None:
    with desk.world.database.write() as session:
        session.get_one(Project, desk.tickets.project_id).goal = "macro_f1; accuracy; recall[billing] at precision>=0.9"
    here = desk.order(samples="2", temperature="1")
    desk.tickets.work_on()
    page = desk.page(here)
    assert "Macro F1 on dev, of 50 examples, each with the mean of its answers." in page
    assert "Right, wrong and unreadable count the first answer to each example." in page
    assert re.search(r"Further goals.* accuracy 1\.000 .*recall\[billing\] at precision>=0\.9 1\.000", page)
    assert "Counts are of all 100 answers." in page
    assert "Further goals" not in desk.page(desk.order(samples="1", examples="3"))


def test_what_is_asked_again_comes_from_the_store_and_is_counted_so(desk: Desk) -> None:
    first = desk.order(examples="30")
    desk.tickets.work()
    form = desk.visitor.read(f"{desk.form}?run={first.rsplit('/', 1)[1]}")
    assert re.search(r'name="examples"[^>]* value="30"', form)
    assert "Answers 30 all are there already Calls at most 0 nothing is bought" in words(form)
    again = desk.order(do="start")
    desk.tickets.work()
    assert "50 of 50; 30 from the store, for nothing" in desk.page(again)
    assert len(desk.server.hits) == 50


def test_a_run_that_goes_on_shows_its_rate_its_time_left_and_who_works(desk: Desk) -> None:
    here = desk.order()
    run_id = here.rsplit("/", 1)[1]
    desk.work_once(0.0)
    desk.tickets.work("there:2/7")
    with desk.world.database.write() as session:
        lately = now()
        began = lately - timedelta(seconds=10)
        session.execute(update(Run).values(status="running", started_at=began, finished_at=None))
        session.execute(update(Run).values(done=25, blocks_done=1))
        lease = jobs.want(session, runs.BLOCK, "x")
        session.execute(update(jobs.Job).where(jobs.Job.id == lease).values(party=run_id, status="running", holder="there:2/7", lease_until=lately + timedelta(seconds=60)))  # fmt: skip
    ran = [(now() - began).total_seconds()]
    told, page = desk.told(here), desk.page(here)
    ran.append((now() - began).total_seconds())
    assert told["phase"] == "answering"
    assert 50 / ran[1] <= told["rate"] <= 50 / ran[0], "fifty calls came back within the ten seconds that it runs"
    assert told["seconds_left"] == pytest.approx(25 / told["rate"]), "half of the answers are missing"
    assert [(one["worker"], one["blocks_now"]) for one in told["workers"]] == [("there:2/7", 1)]
    assert "25 of 50 answers are there." in page
    left = re.search(r"About ([\d.]+) s more", page)
    assert left, page
    assert ran[0] / 2 - 0.1 <= float(left[1]) <= ran[1] / 2 + 0.1, "at the rate so far it takes half as long again"
    assert "there:2/7 at work on 1 block" in page


def test_a_person_pauses_resumes_and_stops(desk: Desk) -> None:
    here = desk.order()
    visitor = desk.visitor
    assert visitor.send(f"{here}/pause") == here
    page = desk.page(here)
    assert "Paused" in page
    assert "No answer is there yet." in page
    assert "fault" not in page
    assert "only one that waits or works can be paused" in visitor.send(f"{here}/pause", status=409)
    desk.world.poked.clear()
    assert visitor.send(f"{here}/resume") == here
    assert len(desk.world.poked) == 3
    asked = desk.page(f"{here}/stop")
    assert "Stop this evaluation? It cannot be resumed afterwards." in asked
    assert visitor.send(f"{here}/stop") == here
    desk.tickets.work()
    assert "Stopped with 0 of 50 answers, which are kept." in desk.page(here)
    assert "over already" in desk.page(f"{here}/stop")
    assert visitor.client.post(f"{here}/resume").status_code == 403, "without the page's token"


def test_a_fault_pauses_with_what_to_do_and_operations_lets_it_go_on(desk: Desk) -> None:
    desk.server.script = lambda hit: refusal(401, "bad key")
    here = desk.order()
    run_id = here.rsplit("/", 1)[1]
    desk.tickets.work()
    assert re.search(r"Paused by a fault\. .*asks for a key \(401\)", desk.page(here))
    assert "Evaluation of v1 of t Paused by a fault. " in desk.page("/operations")
    desk.server.script = right
    desk.world.poked.clear()
    assert desk.visitor.send(f"/operations/runs/{run_id}/retry") == "/operations"
    assert len(desk.world.poked) == 3
    assert "Evaluation of v1" not in desk.page("/operations")
    desk.tickets.work()
    assert desk.told(here)["status"] == "finished"
    assert desk.visitor.client.post(f"/api/v1/operations/runs/{run_id}/retry").status_code == 409


def test_rows_of_a_fallback_are_named_and_shown_apart(desk: Desk) -> None:
    with serving(right) as other, desk.world.database.write() as session:
        spare = Provider(name="spare", base_url=other.base_url)
        session.add(spare)
        session.flush()
        endpoint = Endpoint(provider_id=spare.id, name="second", prices=[Price(price_in=1, price_out=1)])
        session.add(endpoint)
        session.flush()
        session.get_one(Endpoint, desk.tickets.endpoint_id).fallbacks = [endpoint.id]
    with serving(right) as other:
        with desk.world.database.write() as session:
            session.execute(update(Provider).where(Provider.name == "spare").values(base_url=other.base_url))
        desk.server.script = lambda hit: refusal(500, "down")
        here = desk.order(examples="20")
        desk.tickets.work()
    told = desk.told(here)
    assert (told["done"], told["elsewhere"], told["status"]) == (0, 20, "running")
    assert [one["name"] for one in told["served_by"]] == ["spare/second"]
    page = desk.page(here)
    assert "20 examples were answered by another model. spare/second stood in for x/small." in page
    assert "not scored; it is asked again" in page


WRONG = [
    ({"samples": "many"}, "error-samples", "must be a whole number from 1"),
    ({"examples": "0"}, "error-examples", "must be a whole number from 1"),
    ({"examples": "1.5"}, "error-examples", "must be a whole number from 1"),
    ({"temperature": "nan"}, "error-temperature", "must be a number from 0 to 2"),
    ({"temperature": "1e400000"}, "error-temperature", "must be a number from 0 to 2"),
    ({"answer_tokens": "-3"}, "error-answer_tokens", "must be a whole number from 1"),
    ({"split": "holdout"}, "error-split", "choose train or dev"),
    ({"split": "train"}, "error-split", "the test set has no example in train"),
    ({"max_calls": "9" * 40}, "error-max_calls", "must be a whole number from 1"),
    ({"max_tokens": "0"}, "error-max_tokens", "must be a whole number from 1"),
    ({"max_cost": "-1"}, "error-max_cost", "must be an amount of money above 0"),
    ({"prompt_version_id": "somebody-elses"}, "error-prompt_version_id", "choose a prompt of this project"),
    ({"endpoint_id": "none"}, "error-endpoint_id", "choose a model of the Endpoints page"),
]


@pytest.mark.parametrize(("changes", "place", "sentence"), WRONG)
def test_a_wrong_order_is_named_at_its_field_and_keeps_the_rest(
    desk: Desk, changes: dict[str, object], place: str, sentence: str
) -> None:
    html = desk.visitor.send(desk.form, desk.choice(**{"max_tokens": "12345", **changes}), 422)
    assert re.search(rf'id="{place}">{re.escape(sentence)}', html)
    assert f'value="{changes.get("max_tokens", "12345")}"' in html
    assert desk.world.poked == []


def test_a_prompt_of_another_project_is_refused(desk: Desk) -> None:
    with desk.world.database.write() as session:
        other = Project(name="o", description="", labels=[{"name": "a"}], goal="accuracy", smallest_gain=0.02)
        session.add(other)
        session.flush()
        strange = prompts.add(session, prompts.line_of(session, other.id).id, "{{input}}", "person").id
    html = desk.visitor.send(desk.form, desk.choice(prompt_version_id=strange), 422)
    assert "choose a prompt of this project" in html


def test_the_form_reckons_without_starting_anything(desk: Desk) -> None:
    page = words(desk.visitor.send(desk.form, desk.choice(do="quote", samples="3", max_calls="40"), 200))
    assert "Answers 150 none is known to be there" in page
    assert "Calls at most 40 the cap; not all answers fit under it" in page
    assert "Price at most $0.03" in page
    with desk.world.database.write() as session:
        session.execute(delete(Price))
    page = words(desk.visitor.send(desk.form, desk.choice(do="quote"), 200))
    assert "Price at most unknown a price per token is missing" in page
    refused = desk.visitor.send(desk.form, desk.choice(max_cost="2"), 422)
    assert "has no known price, so a cap on money would not hold" in refused
    assert desk.world.poked == []


def test_a_prompt_that_asks_for_votes_is_told_what_one_vote_is_worth(desk: Desk) -> None:
    with desk.world.database.write() as session:
        line, form = (
            prompts.line_of(session, desk.tickets.project_id).id,
            {"how": "text", "before": [], "probabilities": "votes"},
        )
        voting = prompts.add(session, line, "Vote on {{input}}", "person", form=form).id
    orders = [{"samples": "1"}, {"samples": "3"}, {"samples": "3", "temperature": "0.7"}]
    said = [
        desk.visitor.send(desk.form, desk.choice(prompt_version_id=voting, do="quote", **one), status=200)
        for one in orders
    ]
    assert ["One vote says 0 or 1 alone." in page for page in said] == [True, True, False]


def test_a_double_click_starts_one_run_and_another_order_of_the_same_is_told_where_it_is(desk: Desk) -> None:
    visitor, given = desk.visitor, desk.choice(once="one-form")
    given["csrf_token"] = token_on(visitor.read("/endpoints"))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: visitor.client.post(desk.form, data=given), range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(found := {answer.headers["location"] for answer in answers}) == 1
    assert found.pop() in visitor.send(desk.form, desk.choice(once="another"), status=409)
    assert "These examples are being answered right now" in words(visitor.read(desk.form))


def test_the_api_orders_steers_and_names_bad_fields(desk: Desk) -> None:
    client, place = desk.visitor.client, f"/api/v1/projects/{desk.tickets.project_id}/evaluations"
    choice = {"prompt_version_id": desk.tickets.prompt_id, "endpoint_id": desk.tickets.endpoint_id}
    quote = client.post(f"{place}/quote", json=choice).json()
    assert (quote["answers"], quote["calls"], quote["there"]) == (50, 50, 0)
    assert quote["detectable"] == pytest.approx(minimum_detectable_gain(50))
    fewer = client.post(f"{place}/quote", json={**choice, "examples": 20, "samples": 3}).json()
    assert fewer["detectable"] == pytest.approx(minimum_detectable_gain(20)), "more answers to an example prove no more"
    shown = words(desk.visitor.send(desk.form, desk.choice(do="quote", examples="20"), 200))
    assert f"Gain it can show {fewer['detectable']:.3f} a smaller difference" in shown
    made = client.post(place, json={**choice, "once": "mine", "max_calls": 100})
    assert (made.status_code, made.json()["status"]) == (201, "queued")
    assert client.post(place, json={**choice, "once": "mine", "max_calls": 100}).json() == made.json()
    here = f"/api/v1/evaluations/{made.json()['id']}"
    assert client.post(f"{here}/pause").json()["status"] == "paused"
    assert client.patch(here, json={"max_tokens": 9}).json()["used"][1]["cap"] == 9
    assert client.get(here).json()["used"][0]["cap"] == 100, "what is not named stays"
    assert client.patch(here, json={"max_tokens": None}).json()["used"][1]["cap"] is None
    assert client.patch(here, json={"max_calls": 0}).json()["problems"][0]["where"] == "max_calls"
    assert client.post(f"{here}/resume").json()["status"] == "running"
    assert client.post(f"{here}/stop").status_code == 202
    bad = client.post(place, json={**choice, "samples": 99, "split": "holdout"})
    assert {problem["where"] for problem in bad.json()["problems"]} == {"samples", "split"}
    assert client.get("/api/v1/evaluations/nobody").status_code == 404
    assert client.get(place).json()["runs"][0]["status"] == "stopped"


def test_a_project_lists_its_last_evaluations_and_a_page_leads_to_the_rest(desk: Desk) -> None:
    for upto in range(1, 26):
        with desk.world.database.write() as session:
            session.execute(update(Run).values(status="finished"))
        desk.tickets.start(examples=upto)
    place = f"/projects/{desk.tickets.project_id}"
    html = desk.visitor.read(place)
    assert len(set(re.findall(r'class="name" href="/evaluations/(\w+)"', html))) == 5
    assert f'href="{place}/evaluations">Show older ones' in html
    first = desk.visitor.read(f"{place}/evaluations")
    older = re.search(rf'href="({place}/evaluations\?before=\w+)" rel="next"', first)
    assert older
    pages = [
        re.findall(r'class="name" href="/evaluations/(\w+)"', page) for page in (first, desk.visitor.read(older[1]))
    ]
    assert [len(page) for page in pages] == [20, 5]
    assert len({one for page in pages for one in page}) == 25


def test_the_page_asks_the_database_as_often_however_much_there_is(desk: Desk) -> None:
    def queries(address: str) -> int:
        sent = []
        listen = ("before_cursor_execute", lambda *given: sent.append(given[2]))
        event.listen(desk.world.database.engine, *listen)
        desk.visitor.read(address)
        event.remove(desk.world.database.engine, *listen)
        return len([statement for statement in sent if statement.startswith("SELECT")])

    few = desk.order(examples="5")
    many = desk.order(samples="3", temperature="1")
    before = queries(many)
    desk.tickets.work()
    assert queries(few) == queries(many) <= before <= 12


def test_a_run_of_a_campaign_is_shown_and_steered_there_alone(desk: Desk) -> None:
    here = desk.order()
    with desk.world.database.write() as session:
        draft = CampaignDraft(desk.tickets.project_id, desk.tickets.prompt_id, desk.tickets.endpoint_id, [desk.tickets.endpoint_id])  # fmt: skip
        campaign, _ = campaigns.start(session, desk.world.settings, draft)
        session.execute(update(Run).values(campaign_id=campaign.id, round=1))
    page = desk.page(here)
    assert "Ordered by campaign 1 , which is where it is paused and stopped." in page
    assert f"A campaign ordered this run: see /campaigns/{campaign.id}." in desk.visitor.send(
        f"{here}/pause", status=409
    )
    assert desk.told(f"/projects/{desk.tickets.project_id}/evaluations")["runs"] == []
