"""One round of a campaign: the exact meta-prompt, the replies, the battle."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
