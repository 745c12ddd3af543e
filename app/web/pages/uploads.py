"""A new project: upload, mapping, preview, splits."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
