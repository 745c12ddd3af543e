"""Makes the shipped price list, app/data/prices.json, from a wheel of litellm.

    pip download --no-deps litellm -d FOLDER && python .ci/prices.py FOLDER/litellm-*.whl YYYY-MM-DD

The date says when the list was taken; the wheel does not tell. Its licence goes to app/data/LICENSE.litellm. Only chat models of providers whose address is known are kept, with what a million tokens cost in micro-units.
"""

import json
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "app" / "data"
OUT = DATA / "prices.json"
TABLE = "litellm/model_prices_and_context_window_backup.json"
PROVIDERS = {
    "openai": "openai", "azure": "azure", "anthropic": "anthropic", "gemini": "gemini", "mistral": "mistral",
    "deepseek": "deepseek", "xai": "xai", "groq": "groq", "together_ai": "together", "openrouter": "openrouter",
}  # fmt: skip
PRICES = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")


def kept(models: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    """Provider -> the model's name there -> prices in, out and, where it has one, cached in."""
    found: dict[str, dict[str, list[int]]] = {}
    for key, model in models.items():
        provider = model.get("litellm_provider", "")
        if model.get("mode") != "chat" or provider not in PROVIDERS or PRICES[0] not in model or PRICES[1] not in model:
            continue
        name = key.removeprefix(f"{provider}/")
        prices = [round(float(model[field]) * 1e12) for field in PRICES if model.get(field) is not None]
        found.setdefault(PROVIDERS[provider], {})[name] = prices
    return {provider: dict(sorted(names.items())) for provider, names in sorted(found.items())}


def lines(providers: dict[str, dict[str, list[int]]]) -> str:
    """One model a line, so that a newer list reads as a difference."""
    parts = []
    for provider, names in providers.items():
        rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(prices)}" for name, prices in names.items())
        parts.append(f"{json.dumps(provider)}: {{\n{rows}\n}}")
    return ",\n".join(parts)


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    wheel, taken = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as packed:
        models = json.loads(packed.read(TABLE))
        licence = packed.read(f"litellm-{version}.dist-info/licenses/LICENSE")
    head = {"source": "litellm", "licence": "MIT", "version": version, "date": taken.isoformat()}
    OUT.write_text(f'{json.dumps(head)[:-1]},\n"providers": {{\n{lines(kept(models))}\n}}}}\n')
    (DATA / "LICENSE.litellm").write_bytes(licence)
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
