"""The same tickets scored by other tools, each by its own runner in a process of its own.

`python -m benchmarks.peers WAY --base-url URL --calls N --in-flight N` runs one of them. DSPY_PYTHON names an
interpreter that has dspy, where this one does not; promptfoo is looked for on PATH.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.scene import ticket
from benchmarks.stub import LABELS
from tests.flows.running import clean_environment

TASK = "Classify the support ticket by its topic: billing, technical, account or shipping. Answer with the label alone."
DSPY = """
import json, sys
from typing import Literal
import dspy

url, in_flight, rows = sys.argv[1], int(sys.argv[2]), json.load(open(sys.argv[3], encoding="utf-8"))
dspy.configure(lm=dspy.LM("openai/stub", api_base=url, api_key="sk", cache=False, temperature=0.0, max_tokens=1000))


class Topic(dspy.Signature):
    "Classify the support ticket by its topic."

    text: str = dspy.InputField()
    label: Literal["billing", "technical", "account", "shipping"] = dspy.OutputField()


examples = [dspy.Example(**row).with_inputs("text") for row in rows]
score = dspy.Evaluate(
    devset=examples, metric=lambda wanted, got, trace=None: wanted.label == got.label, num_threads=in_flight,
    display_progress=False, display_table=False,
)
print(json.dumps({"accuracy": score(dspy.Predict(Topic)).score / 100}))
"""


class Skipped(Exception):
    """This tool cannot be run here, and why."""


def rows(calls: int) -> list[dict[str, str]]:
    return [{"text": ticket(number), "label": LABELS[number % len(LABELS)]} for number in range(calls)]


def dspy(folder: Path, base_url: str, calls: int, in_flight: int) -> float:
    """Predict over a signature, scored by Evaluate; its accuracy."""
    python = os.environ.get("DSPY_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import dspy"], capture_output=True).returncode:
        raise Skipped("dspy cannot be imported")
    (folder / "rows.json").write_text(json.dumps(rows(calls)), encoding="utf-8")
    environment = clean_environment() | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DSPY_CACHEDIR": str(folder)}
    command = [python, "-c", DSPY, base_url, str(in_flight), str(folder / "rows.json")]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["accuracy"])


def promptfoo(folder: Path, base_url: str, calls: int, in_flight: int) -> float:
    """One prompt, exact match, no cache; its accuracy."""
    command = shutil.which("promptfoo")
    if command is None:
        raise Skipped("promptfoo is not on PATH")
    provider = {"apiBaseUrl": base_url, "apiKey": "sk", "temperature": 0, "max_tokens": 16}
    config = {
        "prompts": [f"{TASK}\n\nTicket: {{{{text}}}}"],
        "providers": [{"id": "openai:chat:stub", "config": provider}],
        "tests": [
            {"vars": {"text": row["text"]}, "assert": [{"type": "equals", "value": row["label"]}]}
            for row in rows(calls)
        ],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CACHE_ENABLED": "false"}
    quiet |= {"PROMPTFOO_CONFIG_DIR": str(folder / "own"), "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1"}
    options = ["--no-cache", "--no-progress-bar", "--no-table", "--no-share", "-o", str(folder / "out.json")]
    subprocess.run(
        [command, "eval", "-c", str(folder / "config.json"), "-j", str(in_flight), *options],
        env=clean_environment() | quiet, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    stats = json.loads((folder / "out.json").read_text(encoding="utf-8"))["results"]["stats"]
    return float(stats["successes"] / calls)


PEERS = {"DSPy": dspy, "promptfoo": promptfoo}


def once(way: str, base_url: str, calls: int, in_flight: int) -> dict[str, Any]:
    """One run of a tool: wall seconds, CPU seconds of all its processes, accuracy. Raises Skipped."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = _cpu(), perf_counter()
        accuracy = PEERS[way](Path(folder), base_url, calls, in_flight)
        return {"wall": perf_counter() - began, "cpu": _cpu() - before, "accuracy": accuracy}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=PEERS)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=64)
    chosen = parser.parse_args()
    print(json.dumps(once(chosen.way, chosen.base_url, chosen.calls, chosen.in_flight)))


if __name__ == "__main__":
    main()
