"""Imports every table, for migrations and for whoever needs the whole metadata."""

from app.storage import (
    answers,
    campaigns,
    champions,
    endpoints,
    evaluations,
    heartbeats,
    jobs,
    ledger,
    projects,
    prompts,
    rounds,
    runs,
    test_sets,
    traffic,
    uploads,
)
from app.storage.base import Base

metadata = Base.metadata
__all__ = [
    "answers", "campaigns", "champions", "endpoints", "evaluations", "heartbeats", "jobs", "ledger", "metadata",
    "projects", "prompts", "rounds", "runs", "test_sets", "traffic", "uploads",
]  # fmt: skip
