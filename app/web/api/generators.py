"""The JSON twin of generators."""

from fastapi import APIRouter

router = APIRouter(tags=["generators"])
