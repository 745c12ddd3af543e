"""The JSON twin of uploads."""

from fastapi import APIRouter

router = APIRouter(tags=["uploads"])
