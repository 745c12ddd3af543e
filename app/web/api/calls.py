"""The JSON twin of calls."""

from fastapi import APIRouter

router = APIRouter(tags=["calls"])
