"""Providers and endpoints: add, change, test with one call."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
