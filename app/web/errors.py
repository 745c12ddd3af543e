"""What a person or a program sees when something goes wrong: a page, a fragment, or problem+json."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import AgonError, BudgetExhausted, Conflict, EndpointFailure, Invalid, NotFound, Problem
from app.storage.session import is_clash
from app.web.kinds import is_api, is_fragment
from app.web.rendering import page
from app.web.request_log import HEADER, request_id
from app.web.security.headers import SECURITY_HEADERS

_STATUS: tuple[tuple[type[AgonError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (BudgetExhausted, 409),
    (Invalid, 422),
    (EndpointFailure, 503),
)
_TITLES = {
    400: "This request cannot be read",
    401: "Log in first",
    403: "Refused",
    404: "Nothing here",
    405: "This address does not do that",
    409: "Not possible right now",
    413: "Too large",
    415: "Wrong kind of content",
    422: "Something needs a correction",
    429: "Too many tries",
    500: "Something broke in Agon",
    503: "Not available right now",
}
_UNEXPECTED = "The error is in the server's log. Nothing you had saved is lost; trying again may help."
_FIND_IT = " Whoever runs Agon finds it there under request {}."
_NOWHERE = "There is no page at this address. It may have been mistyped, or what it showed was removed."
_UNKNOWN = "is not known here; /docs lists what is"
_CLASH = "Somebody else was saving at the same moment; send it again."
_NO_DATABASE = "The database does not answer. Nothing was changed; try again in a moment."
_OLD_DATABASE = (
    "The database has another shape than this version of Agon needs: a table or a column is missing. Nothing was "
    "changed. Whoever runs Agon must run `agon migrate`."
)
_MISSING = re.compile(r"no such (table|column)|has no column|relation .+ does not exist|column .+ does not exist")
_log = logging.getLogger(__name__)


def refuse(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
) -> Response:
    """The answer to a request that failed: `detail` is shown as it is, so it must say what to do."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase
    if is_api(request):
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        listed = {"problems": [asdict(problem) for problem in problems]} if problems else {}
        return JSONResponse(body | listed, status, dict(headers or {}), media_type="application/problem+json")
    template = "_error.html" if is_fragment(request) else "error.html"
    values = {"title": title, "detail": detail, "problems": list(problems), "code": status}
    return page(request, template, status=status, headers=headers, **values)


def _on_agon_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AgonError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, Invalid):
        return refuse(request, status, _summary(error.problems), problems=error.problems)
    retry = {"retry-after": "5"} if isinstance(error, EndpointFailure) and not error.lasting else None
    return refuse(request, status, str(error) or _NOWHERE, retry)


def _summary(problems: Sequence[Problem]) -> str:
    return str(problems[0]) if len(problems) == 1 else f"{len(problems)} things need a correction."


def _on_unreadable(request: Request, error: Exception) -> Response:
    """FastAPI found fields of the wrong type; what was sent is not repeated, as it may be a key.

    A page whose address holds what no page has is not there.
    """
    assert isinstance(error, RequestValidationError)
    if not is_api(request) and all(found["loc"][0] in ("path", "query") for found in error.errors()):
        return refuse(request, 404, _NOWHERE)
    problems = [Problem(_said(found), ".".join(map(str, found["loc"][1:]))) for found in error.errors()]
    return refuse(request, 422, _summary(problems), problems=problems)


def _said(found: Mapping[str, Any]) -> str:
    return _UNKNOWN if found.get("type") == "extra_forbidden" else str(found["msg"])


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _NOWHERE if error.status_code == 404 and error.detail == "Not Found" else str(error.detail)
    return refuse(request, error.status_code, detail, error.headers)


def _on_database(request: Request, error: Exception) -> Response:
    """A database that is away or was not migrated, or a statement of ours that is wrong; logged each time.

    Two who save at once may want the same key, and then nothing is wrong but the moment.
    """
    assert isinstance(error, DBAPIError)
    if isinstance(error, IntegrityError) and is_clash(error):
        return refuse(request, 409, _CLASH)
    _log.error("the database refused", exc_info=error)
    if _MISSING.search(str(error.orig)):
        return refuse(request, 503, _OLD_DATABASE)
    if isinstance(error, OperationalError):
        return refuse(request, 503, _NO_DATABASE, {"retry-after": "5"})
    return refuse(request, 500, _UNEXPECTED)


def _on_unexpected(request: Request, error: Exception) -> Response:
    """Runs outside every middleware, so it brings their headers itself; the server logs the error."""
    name = request_id(request)
    named = {HEADER: name} if name else {}
    return refuse(request, 500, _UNEXPECTED + (_FIND_IT.format(name) if name else ""), {**SECURITY_HEADERS, **named})


_HANDLERS: tuple[tuple[type[Exception], Callable[[Request, Exception], Response]], ...] = (
    (AgonError, _on_agon_error),
    (RequestValidationError, _on_unreadable),
    (HTTPException, _on_http),
    (OperationalError, _on_database),
    (ProgrammingError, _on_database),
    (IntegrityError, _on_database),
    (Exception, _on_unexpected),
)


def register(app: FastAPI) -> None:
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)
