"""The app's secret, and keys at rest: encrypted with it, never shown again."""

import os
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import Invalid
from app.settings import Settings

_UNREADABLE = "A stored key cannot be decrypted: AGON_SECRET_KEY has changed. Enter the key again."


def app_secret(settings: Settings) -> bytes:
    """AGON_SECRET_KEY, else a secret made once in the data folder (readable by its owner alone)."""
    return _secrets(settings)[0]


def _secrets(settings: Settings) -> list[bytes]:
    """The secrets in force; further ones after a comma are old ones that still decrypt."""
    if settings.secret_key:
        return [part.strip().encode() for part in settings.secret_key.split(",")]
    return [_kept_secret(settings.data_dir / "secret.key")]


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes().strip()


def _box(settings: Settings) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(sha256(secret).digest())) for secret in _secrets(settings)])


def encrypt(settings: Settings, key: str) -> str:
    return _box(settings).encrypt(key.encode()).decode()


def decrypt(settings: Settings, encrypted: str) -> str:
    """The stored key; raises Invalid when the app's secret is not the one it was encrypted with."""
    try:
        return _box(settings).decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise Invalid(_UNREADABLE) from None


def encrypted_anew(settings: Settings, encrypted: str) -> str:
    """The same key under the first secret, whichever it was under; raises Invalid when it is under none of them."""
    try:
        return _box(settings).rotate(encrypted.encode()).decode()
    except InvalidToken:
        raise Invalid(_UNREADABLE) from None
