"""What every page has in common."""

import re

import pytest
from jinja2 import UndefinedError

from app.web.rendering import STATIC, asset, environment, places
from tests.web.conftest import MakeClient
from tests.web.reading import log_in


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/", "Projects"),
        ("/projects/7", "Projects"),
        ("/generators", "Generators"),
        ("/generators/3", "Generators"),
        ("/endpoints/new", "Endpoints"),
        ("/calls", "Calls"),
        ("/callsign", None),
        ("/operations", "Operations"),
        ("/docs", None),
    ],
)
def test_the_navigation_shows_where_one_is(path: str, here: str | None) -> None:
    assert [place.name for place in places(path) if place.here] == ([here] if here else [])


def test_a_file_that_changes_gets_another_address() -> None:
    assert re.fullmatch(r"/static/app\.css\?v=[0-9a-f]{12}", asset("app.css"))
    assert asset("app.css") != asset("app.js")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nobody }}").render()


def test_a_page_has_one_way_past_the_navigation_and_one_title(make_client: MakeClient) -> None:
    html = make_client().get("/things").text
    assert html.index('href="#main"') < html.index("<nav")
    assert '<main id="main"' in html
    assert "<title>Things · Agon</title>" in html
    assert "Intervals are 95% throughout." in html


def test_a_page_on_practice_models_says_so_at_its_top(make_client: MakeClient) -> None:
    client = make_client()
    assert (
        "no score on this page says anything about a real language model" in client.get("/things?simulated=true").text
    )
    assert "simulated" not in client.get("/things").text


def test_every_file_a_page_names_is_there(make_client: MakeClient) -> None:
    client = make_client()
    for path in ("/things", "/docs"):
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get(path).text)
        assert len(files) >= 4
        assert [file for file in files if client.get(file).status_code != 200] == []


def test_only_who_is_logged_in_can_log_out(make_client: MakeClient) -> None:
    assert "Log out" not in make_client().get("/things").text
    client = make_client(password="x")
    assert "Log out" not in client.get("/login").text
    log_in(client, "x")
    assert "Log out" in client.get("/things").text


def test_no_template_or_script_of_ours_holds_what_the_policy_blocks() -> None:
    templates = [path.read_text() for path in (STATIC.parent / "templates").rglob("*.html")]
    assert len(templates) > 8
    for text in templates:
        assert not re.search(
            r"<script(?![^>]*\b(?:src=|type=.application/json))|\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|js:", text
        )
    for script in STATIC.glob("*.js"):
        assert not re.search(r"\beval\(|new Function|innerHTML|https?://", script.read_text()), script.name
