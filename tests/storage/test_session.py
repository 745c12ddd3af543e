"""What the database tells when it refuses something."""

import traceback
from typing import Any

import pytest
from sqlalchemy.exc import StatementError

from app.storage.projects import Project
from app.storage.session import Database

CANARY = "zanzibarcanary"


@pytest.mark.parametrize("wrong", [{"created_by": "nobody"}, {"goal": None}, {"created_at": CANARY}])
def test_an_error_of_the_database_repeats_nothing_that_was_to_be_stored(
    database: Database, wrong: dict[str, Any]
) -> None:
    stored = {"name": CANARY, "description": CANARY, "labels": [], "goal": "accuracy", "smallest_gain": 0.02}
    with pytest.raises(StatementError) as refused, database.write() as session:
        session.add(Project(**{**stored, **wrong}))
    assert "INSERT INTO project" in str(refused.value)
    assert CANARY not in "".join(traceback.format_exception(refused.value))
