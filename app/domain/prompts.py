"""Prompt texts: placeholders, rendering in one pass, fingerprints."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")


def placeholders(text: str) -> Counter[str]:
    """How often each placeholder name occurs; other braces are plain text."""
    return Counter(PLACEHOLDER.findall(text))


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill every placeholder in one pass; what a value holds is never looked at again.

    Raises KeyError when a placeholder has no value.
    """
    return PLACEHOLDER.sub(lambda gap: values[gap.group(1)], text)


def normalised(text: str) -> str:
    """The text without differences that no reader would call a difference: form, case, blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def fingerprint(text: str) -> str:
    """The identity of a prompt: two texts that differ only in form, case or blanks are one prompt."""
    return hashlib.sha256(normalised(text).encode()).hexdigest()


_UNKEPT = re.compile("[\\x00\\ud800-\\udfff]")


def clean(text: str) -> tuple[str, int]:
    """Text without what no database keeps (NUL, lone surrogates), and how many were dropped."""
    return _UNKEPT.subn("", text)
