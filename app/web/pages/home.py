"""The home page: every project with its champions."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
