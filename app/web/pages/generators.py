"""Generators: who writes the best prompts."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
