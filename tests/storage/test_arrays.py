"""Arrays as PostgreSQL reads them: whatever goes in comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from app.storage.arrays import array_text
from tests.databases import Emptied

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
HARD = ["", "NULL", "null", "{}", '"', "\\", '\\"', ",", " a ", "a\tb\nc", "ы\u2003", "\ufeff", "\\x41", "🙂", "'"]
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@pytest.fixture(scope="module")
def server(postgres: Emptied) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres().replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _back(server: psycopg.Connection, kind: str, values: list[object]) -> list[object]:
    asked = f"SELECT unnest(%s::{kind}[])"
    return [row[0] for row in server.execute(asked, (array_text(values),))]


@given(texts=st.lists(st.none() | TEXTS | st.sampled_from(HARD), max_size=20))
@tried(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_texts_come_back_as_they_were(server: psycopg.Connection, texts: list[str | None]) -> None:
    assert _back(server, "text", [*texts]) == texts


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [0, -2, 2**62, None]),
        ("boolean", [True, False, None]),
        ("double precision", [0.1, -1e-300, 1 / 3, float("inf"), None]),
        ("bytea", [b"", bytes(range(256)), b"\\x41", None]),
        ("timestamptz", [NOON, NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), None]),
        ("text", []),
    ],
)
def test_every_kind_of_column_comes_back(server: psycopg.Connection, kind: str, values: list[object]) -> None:
    assert _back(server, kind, values) == values


@pytest.mark.parametrize("value", [{"a": 1}, [1], NOON.replace(tzinfo=None), object()])
def test_what_has_no_place_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no place in an array"):
        array_text([value])
