"""How a page is made: one Jinja environment, the numbers' formats, and what every page has in common."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.domain import advice, capabilities, comparing, goals
from app.web import charts, diffs, formats, progress
from app.web.security.forgery import csrf_token, remember_visitor
from app.web.security.sessions import signed_in

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VERSION = version("agon")


class Place(NamedTuple):
    """One entry of the navigation."""

    name: str
    href: str
    here: bool


_PLACES = (
    ("Projects", "/"),
    ("Generators", "/generators"),
    ("Endpoints", "/endpoints"),
    ("Calls", "/calls"),
    ("Spend", "/spend"),
    ("Operations", "/operations"),
)


def places(path: str) -> tuple[Place, ...]:
    """The navigation; projects own every address that no other entry claims."""
    owner = next((href for _, href in _PLACES[1:] if path == href or path.startswith(f"{href}/")), "/")
    here = owner if owner != "/" or path == "/" or path.startswith(("/projects", "/test-sets")) else ""
    return tuple(Place(name, href, href == here) for name, href in _PLACES)


@lru_cache
def asset(name: str) -> str:
    """The address of a file in static/, with its content's hash, so that browsers may keep it for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


@lru_cache
def environment() -> Environment:
    """Templates escape everything, and a missing value is an error rather than an empty gap."""
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(formats.FILTERS)
    made.filters.update(findings=capabilities.findings, missing=capabilities.missing)
    made.globals.update(
        asset=asset,
        version=VERSION,
        simulated=False,
        charts=charts,
        detectable_gain=comparing.minimum_detectable_gain,
        missed=goals.missed,
        no_holdout=advice.no_holdout,
        best_so_far=progress.best_so_far,
        marked_placeholders=diffs.marked_placeholders,
        word_changes=diffs.word_changes,
    )
    return made


def _common(request: Request) -> dict[str, object]:
    return {
        "path": request.scope["path"],
        "places": places(request.scope["path"]),
        "csrf_token": csrf_token(request),
        "signed_in": signed_in(request),
    }


def page(
    request: Request,
    template: str | Template,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    """A page or a fragment, never kept by the browser: it shows a state that changes."""
    html = environment().get_template(template).render(_common(request) | values)
    response = HTMLResponse(html, status, {"cache-control": "no-store", **(headers or {})})
    remember_visitor(request, response)
    return response
