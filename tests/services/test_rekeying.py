"""Stored keys under a new secret: all that can be opened are encrypted anew, the others are named."""

import pytest

from app.errors import Invalid
from app.services import catalogue
from app.services.rekeying import Rotated, rotate_keys
from app.settings import Settings
from app.storage import endpoints
from app.storage.secrets import decrypt
from app.storage.session import Database


def secret(*parts: str) -> Settings:
    return Settings(secret_key=",".join(parts))


def store(database: Database, settings: Settings, name: str, key: str) -> None:
    with database.write() as session:
        catalogue.add_provider(session, settings, name, "https://api.example.com/v1", key)


def encrypted(database: Database, name: str) -> str:
    with database.read() as session:
        found = endpoints.provider_named(session, name)
    assert found is not None
    return found.encrypted_key or ""


def test_after_a_rotation_the_old_secret_can_be_thrown_away(database: Database) -> None:
    store(database, secret("old"), "a", "key of a")
    store(database, secret("old"), "b", "key of b")
    store(database, secret("old"), "none", "")
    both, new = secret("new", "old"), secret("new")
    assert decrypt(both, encrypted(database, "a")) == "key of a"
    with pytest.raises(Invalid, match="Enter the key again"):
        decrypt(new, encrypted(database, "a"))
    with database.write() as session:
        assert rotate_keys(session, both) == Rotated(2, [])
    assert [decrypt(new, encrypted(database, name)) for name in "ab"] == ["key of a", "key of b"]
    assert encrypted(database, "none") == ""
    with pytest.raises(Invalid):
        decrypt(secret("old"), encrypted(database, "a"))


def test_a_key_that_no_secret_opens_is_named_and_left_as_it_is(database: Database) -> None:
    store(database, secret("lost"), "b", "key of b")
    store(database, secret("old"), "a", "key of a")
    before = encrypted(database, "b")
    with database.write() as session:
        assert rotate_keys(session, secret("new", "old")) == Rotated(1, ["b"])
    assert encrypted(database, "b") == before
    assert decrypt(secret("new"), encrypted(database, "a")) == "key of a"


def test_a_rotation_may_be_done_again(database: Database) -> None:
    store(database, secret("new"), "a", "key of a")
    for _ in range(2):
        with database.write() as session:
            assert rotate_keys(session, secret("new", "old")).count == 1
    assert decrypt(secret("new"), encrypted(database, "a")) == "key of a"
