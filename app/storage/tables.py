"""Imports every table, for migrations and for whoever needs the whole metadata."""

from app.storage import (
    answers,
    campaigns,
    champions,
    endpoints,
    evaluations,
    jobs,
    ledger,
    prices,
    projects,
    prompts,
    rounds,
    runs,
    spend,
    test_sets,
    uploads,
)
from app.storage.base import Base

metadata = Base.metadata
__all__ = [
    "answers", "campaigns", "champions", "endpoints", "evaluations", "jobs", "ledger", "metadata", "prices", "projects",
    "prompts", "rounds", "runs", "spend", "test_sets", "uploads",
]  # fmt: skip
