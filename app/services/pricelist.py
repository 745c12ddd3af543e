"""The price list that comes with Agon: what a model costs by its provider's host and its name, as of a date."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from ipaddress import ip_address
from urllib.parse import urlsplit

HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "openrouter.ai": "openrouter",
}
_DATE = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8})$")


@dataclass(frozen=True)
class Listed:
    """Micro-units of money per million tokens; `source` names the list and its date."""

    price_in: int
    price_out: int
    price_cached_in: int | None
    source: str


@lru_cache
def _list() -> tuple[str, dict[str, dict[str, list[int]]]]:
    """(what the list is, provider -> model -> prices)."""
    read = json.loads((files("app") / "data" / "prices.json").read_text(encoding="utf-8"))
    return f"snapshot {read['source']} {read['version']} of {read['date']}", read["providers"]


def look_up(base_url: str, model: str) -> Listed | None:
    """The listed price of a model at this address; None for a host or a name that the list does not know."""
    host = (urlsplit(base_url).hostname or "").lower()
    provider = next((name for end, name in HOSTS.items() if host == end or host.endswith(f".{end}")), None)
    source, providers = _list()
    known = providers.get(provider or "", {})
    found = next((known[name] for name in _spellings(model) if name in known), None)
    return Listed(found[0], found[1], found[2] if len(found) > 2 else None, source) if found else None


def _spellings(model: str) -> list[str]:
    """The name as it is, after its first slash, and each without a date at its end."""
    names = [model, model.partition("/")[2]]
    return [name for name in [*names, *(_DATE.sub("", name) for name in names)] if name]


def is_local(base_url: str) -> bool:
    """Whether the address is written out as one of this machine or its own network, where nobody sends a bill."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(host) and "." not in host
