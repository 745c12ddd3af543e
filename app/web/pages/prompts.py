"""A prompt version: text, diff, scores, right and wrong examples."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
