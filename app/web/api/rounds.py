"""The JSON twin of rounds."""

from fastapi import APIRouter

router = APIRouter(tags=["rounds"])
