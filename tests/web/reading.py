"""What a test reads out of a page."""

import re
from html import unescape

from starlette.testclient import TestClient


def token_on(html: str) -> str:
    """The token in a page's head."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', html)
    assert found
    return found[1]


def log_in(client: TestClient, password: str) -> int:
    """Fill in the login page like a person; gives the answer's status."""
    token = token_on(client.get("/login").text)
    return client.post("/login", data={"password": password, "csrf_token": token}).status_code


def words(html: str) -> str:
    """What a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
