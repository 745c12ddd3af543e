"""Imports every table, for migrations and for whoever needs the whole metadata."""

from app.storage import (
    answers,
    asking,
    campaigns,
    champions,
    endpoints,
    evaluations,
    grades,
    heartbeats,
    jobs,
    ledger,
    prices,
    probabilities,
    projects,
    prompts,
    rounds,
    rules,
    runs,
    spend,
    test_sets,
    traffic,
    tunings,
    uploads,
)
from app.storage.base import Base

metadata = Base.metadata
__all__ = [
    "answers", "asking", "campaigns", "champions", "endpoints", "evaluations", "grades", "heartbeats", "jobs", "ledger", "metadata", "prices",
    "probabilities", "projects", "prompts", "rounds", "rules", "runs", "spend", "test_sets", "traffic", "tunings", "uploads",
]  # fmt: skip
