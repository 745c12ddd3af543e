"""The JSON twin of prompts."""

from fastapi import APIRouter

router = APIRouter(tags=["prompts"])
