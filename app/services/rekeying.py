"""Encrypts every stored key anew with the first of the app's secrets, so that an old secret can be thrown away."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.errors import Invalid
from app.settings import Settings
from app.storage import endpoints
from app.storage.secrets import encrypted_anew


@dataclass(frozen=True)
class Rotated:
    """How many keys are encrypted with the first secret now, and whose cannot be read with any."""

    count: int
    unreadable: Sequence[str]


def rotate_keys(session: Session, settings: Settings) -> Rotated:
    """Nobody changes a key meanwhile: its rows are held until the transaction ends."""
    count, unreadable = 0, []
    for provider in endpoints.providers_with_key(session):
        try:
            provider.encrypted_key = encrypted_anew(settings, provider.encrypted_key or "")
            count += 1
        except Invalid:
            unreadable.append(provider.name)
    return Rotated(count, unreadable)
