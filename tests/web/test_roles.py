"""What a model does: chosen or suggested by its name, tested accordingly, offered for that alone, refused elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Invalid
from app.gateway.listing import ModelInfo
from app.practice.server import create_app as create_practice
from app.services import campaigns, catalogue, commanding, evaluating, opening, starting
from app.services.campaigns import CampaignDraft
from app.services.evaluating import RunDraft
from app.services.opening import OpeningDraft
from app.storage import endpoints
from tests.gateway.players import openai
from tests.gateway.scripted import Answer, Hit, refusal
from tests.gateway.scripted import serving as scripted
from tests.gateway.test_embedding import embeddings
from tests.web.arena_world import World, serving
from tests.web.test_endpoint_findings import plain

LISTED = {"data": [{"id": "text-embedding-3-small"}, {"id": "small"}]}
ROLES = {"answers": "task", "writes": "generator", "judges": "judge", "embeds": "embedder", "all": ""}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


@pytest.fixture
def cast(world: World) -> World:
    """A project, and one model of each role."""
    world.import_demo(rows=60)
    with world.database.write() as session:
        made = catalogue.add_provider(session, world.settings, "lab", "https://api.example.com/v1", "")
        for name, role in ROLES.items():
            catalogue.add_endpoint(session, made.id, name, {"price_in": 1.0}, role)
        catalogue.keep_practice(session, "http://127.0.0.1:9/v1", [ModelInfo("exemplar-v1", "generator", "", True)])
    return world


def server(hit: Hit) -> Answer:
    """Both kinds of requests, each for its own models."""
    if hit.method == "GET":
        return Answer(body=LISTED)
    if hit.path.endswith("/embeddings"):
        return embeddings([3, 4], [4, 3]) if "embed" in hit.body["model"] else refusal(404, "no embeddings")
    return refusal(400, "not a chat model") if "embed" in hit.body["model"] else openai()(hit)


def test_a_model_whose_name_says_so_is_added_as_embedder_and_asked_for_embeddings_alone(world: World) -> None:
    visitor = world.visitor()
    with scripted(server) as wire:
        page = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": wire.base_url})
        offered = plain(visitor.send(f"{page}/models", status=200))
        assert "text-embedding-3-small gives embeddings" in offered
        assert "small gives embeddings" not in offered.replace("text-embedding-3-small", "")
        wire.hits.clear()
        here = visitor.send(f"{page}/endpoints", {"model": "text-embedding-3-small", "price_in": "0.02"})
        assert [hit.path for hit in wire.hits if hit.method == "POST"] == ["/v1/embeddings"]
        tested = plain(visitor.send(f"{here}/test", status=200))
    added = world.endpoint("lab/text-embedding-3-small")
    assert (added.role, added.price_in, added.price_out) == ("embedder", 20_000, 0)
    assert "two sentences that mean the same have a cosine of 0.960000" in tested
    html = plain(visitor.read(here))
    assert "Gives embeddings" in html
    assert "Embeddings yes Two texts are compared by them" in html
    assert "Token probabilities" not in html
    assert "No other model can stand in" in html
    call = next(line for line in plain(visitor.read("/calls")).split("lab/text-embedding") if "8 in" in line)
    assert "0 out" in call


def test_the_log_shows_what_was_compared(world: World) -> None:
    visitor = world.visitor()
    with scripted(server) as wire:
        page = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": wire.base_url})
        here = visitor.send(f"{page}/endpoints", {"model": "embed"})
        trial = visitor.client.post(f"/api/v1{here}/test", json={}).json()
    told = visitor.json(f"/calls/{trial['call_id']}")
    assert told["request"] == [
        {"role": "first text", "content": "A red apple lies on the table."},
        {"role": "second text", "content": "There is a red apple on the table."},
    ]
    assert "First text" in visitor.read(f"/calls/{trial['call_id']}")


def test_a_role_is_chosen_on_the_page_and_what_was_found_out_before_is_forgotten(world: World) -> None:
    visitor = world.visitor()
    with scripted(server) as wire:
        page = visitor.send("/endpoints/providers/new", {"name": "lab", "base_url": wire.base_url})
        here = visitor.send(f"{page}/endpoints", {"model": "small", "role": "judge"})
        assert world.endpoint("lab/small").role == "judge"
        assert visitor.json(here)["capabilities"] is not None
        assert visitor.send(f"{here}/role", {"role": "embedder"}) == here
        assert (world.endpoint("lab/small").role, world.endpoint("lab/small").probed_at) == ("embedder", None)
        assert "gives no embeddings" in visitor.send(f"{here}/test", status=200)
        assert visitor.send(f"{here}/role", {"role": "any"}) == here
        assert world.endpoint("lab/small").role == ""
        other = visitor.send(f"{page}/endpoints", {"model": "embedded-chat", "role": "any"})
    assert visitor.json(other)["role"] == ""
    html = visitor.send(f"{here}/role", {"role": "king"}, 422)
    assert "must be one of nothing (answers, writes or judges), task" in html.split('id="error-role"')[1]
    told = visitor.client.put(f"/api/v1{here}/role", json={"role": "task"}).json()
    assert told["role"] == "task"
    refused = visitor.client.put(f"/api/v1{here}/role", json={"role": "king"})
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "role")


def test_the_api_adds_with_a_role_or_asks_the_name(world: World) -> None:
    client = world.visitor().client
    with scripted(server) as wire:
        made = client.post("/api/v1/providers", json={"name": "lab", "base_url": wire.base_url}).json()
        here = f"/api/v1/providers/{made['id']}/endpoints"
        roles = [
            client.post(here, json={"model": model, **given}).json()["role"]
            for model, given in (("my-embed", {}), ("m", {}), ("other-embed", {"role": ""}), ("n", {"role": "judge"}))
        ]
        wrong = client.post(here, json={"model": "w", "role": "king"})
    assert roles == ["embedder", "", "", "judge"]
    assert (wrong.status_code, wrong.json()["problems"][0]["where"]) == (422, "role")


def test_each_part_is_offered_to_those_who_play_it(cast: World) -> None:
    offered = {}
    with cast.database.read() as session:
        for part in ("task", "generator", "judge", "embedder"):
            offered[part] = {one.name for one in endpoints.playing(session, part)}
        assert starting.task_models(session) == endpoints.playing(session, "task")
    assert offered == {
        "task": {"answers", "all"},
        "generator": {"writes", "all", "exemplar-v1"},
        "judge": {"judges", "all"},
        "embedder": {"embeds"},
    }
    visitor = cast.visitor()
    for path in ("campaigns/new", "evaluations/new", "openings/new"):
        html = visitor.read(f"/projects/{cast.project_id}/{path}")
        assert "lab/answers" in html
        assert "lab/embeds" not in html
        assert "lab/judges" not in html


@pytest.mark.parametrize(("name", "does"), [("embeds", "gives embeddings"), ("judges", "judges answers")])
def test_whoever_does_something_else_is_refused_as_task_model_and_generator_with_a_sentence(
    cast: World, name: str, does: str
) -> None:
    wrong, right, start = cast.endpoint(f"lab/{name}").id, cast.endpoint("lab/all").id, cast.first_prompt()
    cannot = f"lab/{name} {does}, so it cannot answer prompts; choose another model"
    with cast.database.write() as session:
        run = RunDraft(cast.project_id, start, wrong)
        with pytest.raises(Invalid, match=cannot):
            evaluating.start(session, cast.settings, run)
        with pytest.raises(Invalid, match=cannot):
            opening.quote(session, cast.settings, OpeningDraft(cast.project_id, start, wrong, "because of this", ""))
        with pytest.raises(Invalid, match=cannot):
            campaigns.start(session, cast.settings, CampaignDraft(cast.project_id, start, wrong, (right,)))
        with pytest.raises(Invalid, match=f"lab/{name} {does}, so it cannot write prompts"):
            campaigns.start(session, cast.settings, CampaignDraft(cast.project_id, start, right, (right, wrong)))
        with pytest.raises(Invalid, match=cannot):
            commanding.resolve(session, f"lab/{name}", ("lab/all",))
        with pytest.raises(Invalid, match="cannot write prompts"):
            commanding.resolve(session, "lab/all", (f"lab/{name}",))
    visitor, page = cast.visitor(), f"/projects/{cast.project_id}"
    form: dict[str, object] = {"start": start, "task_model": wrong, "generators": [right], "calls": "500", "rounds": "2", "seed": "1"}  # fmt: skip
    html = visitor.send(f"{page}/campaigns/new", form, 422)
    assert cannot in plain(html.split('id="error-task_model"')[1].split("</p>")[0])
    html = visitor.send(f"{page}/campaigns/new", {**form, "task_model": right, "generators": [right, wrong]}, 422)
    assert "cannot write prompts" in html.split('id="error-generators"')[1].split("</p>")[0]


def test_a_fallback_must_do_the_same_and_an_embedder_has_none(cast: World) -> None:
    visitor, ids = cast.visitor(), {name: cast.endpoint(f"lab/{name}").id for name in ROLES}

    def put(name: str, *fallbacks: str) -> tuple[int, str]:
        given = {"fallbacks": [ids[one] for one in fallbacks]}
        response = visitor.client.put(f"/api/v1/endpoints/{ids[name]}/fallbacks", json=given)
        return response.status_code, response.json().get("detail", "")

    assert put("answers", "all")[0] == put("judges", "all")[0] == 200
    for name, fallback in (("answers", "judges"), ("answers", "embeds"), ("all", "answers"), ("judges", "answers")):
        status, detail = put(name, fallback)
        assert (status, "do the same; one of these is not there" in detail) == (422, True), (name, fallback)
    status, detail = put("embeds", "all")
    assert (status, "another model's embeddings would mean another likeness" in detail) == (422, True)
    assert put("embeds")[0] == 200


def test_a_role_is_not_changed_from_under_a_fallback(cast: World) -> None:
    visitor, ids = cast.visitor(), {name: cast.endpoint(f"lab/{name}").id for name in ROLES}
    given = {"fallbacks": [ids["all"]]}
    assert visitor.client.put(f"/api/v1/endpoints/{ids['answers']}/fallbacks", json=given).status_code == 200
    html = visitor.send(f"/endpoints/{ids['all']}/role", {"role": "embedder"}, 422)
    assert "lab/all answers when lab/answers does not, and could not any more" in html.split('id="error-role"')[1]
    visitor.send(f"/endpoints/{ids['answers']}/role", {"role": "judge"})
    visitor.send(f"/endpoints/{ids['answers']}/role", {"role": "embedder"}, 422)
    assert (cast.endpoint("lab/all").role, cast.endpoint("lab/answers").role) == ("", "judge")


def test_the_role_of_a_practice_model_stays(cast: World) -> None:
    here = f"/api/v1/endpoints/{cast.endpoint('practice/exemplar-v1').id}/role"
    assert cast.visitor().client.put(here, json={"role": "task"}).status_code == 409


def test_an_old_data_folder_gets_the_new_practice_models_when_it_starts(cast: World) -> None:
    known = cast.endpoint("practice/exemplar-v1").id
    with serving(create_practice()) as url:
        cast.offer(url)
        cast.offer(url)
    assert cast.endpoint("practice/exemplar-v1").id == known
    judge, embedder = cast.endpoint("practice/judge-v1"), cast.endpoint("practice/embedder-v1")
    assert (judge.role, embedder.role, embedder.price_in, embedder.price_out) == ("judge", "embedder", 0, 0)
    html = cast.visitor().read("/endpoints")
    for name in ("judge-v1", "embedder-v1"):
        assert "simulated" in html.split(f">{name}</a>")[1].split("</th>")[0]
