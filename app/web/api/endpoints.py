"""The JSON twin of endpoints."""

from fastapi import APIRouter

router = APIRouter(tags=["endpoints"])
