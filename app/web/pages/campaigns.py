"""A campaign: start it, watch it live, pause, resume, stop."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
