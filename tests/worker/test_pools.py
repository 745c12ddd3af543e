"""A process that answers blocks carries nothing that only drivers and pages need."""

import subprocess
import sys

HEAVY = ("numpy", "scipy", "sklearn", "openai", "fastapi", "jinja2")


def test_a_call_worker_imports_nothing_heavy() -> None:
    told = "import sys, worker.tasks, app.services.blocks; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    assert not loaded & set(HEAVY)
