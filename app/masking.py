"""What looks like a key, and how it is kept out of sentences and logs."""

import re

KEYS = re.compile(r"Bearer\s+\S+|\b(?:sk|pk|rk|gsk|csk|xai|hf|nvapi|pplx|r8|fw)[-_][\w\-*.]{6,}|\bAIza[\w-]{10,}")


def mask(text: str) -> str:
    return KEYS.sub("[key]", text)
