"""A project: its champions, campaigns and prompts."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
