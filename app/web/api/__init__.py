"""The JSON twins of the pages, under one prefix; the documentation offers the bearer token to all of them."""

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer

from app.web.api import (
    calls,
    campaigns,
    comparisons,
    endpoints,
    evaluations,
    generators,
    openings,
    operations,
    projects,
    prompts,
    rounds,
    rules,
    spend,
    test_sets,
    thresholds,
    uploads,
)

_token = HTTPBearer(auto_error=False, description="AGON_API_TOKEN; needed by programs once a password is set")
router = APIRouter(prefix="/api/v1", dependencies=[Security(_token)])

for part in (
    projects,
    rules,
    test_sets,
    uploads,
    prompts,
    campaigns,
    rounds,
    evaluations,
    comparisons,
    openings,
    thresholds,
    generators,
    endpoints,
    calls,
    spend,
    operations,
):
    router.include_router(part.router)
