"""Runs the real command in its own data folder, watches its processes, and kills them when a test says so."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

MARKS = {"worker": "drivers", "calls": "calls", "practice": "app.practice", "web": "web"}
VOLATILE = ("seconds", "cost", "tokens", "calls_paid", "campaign_id")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_set(path: Path, source: Path, rows: int) -> Path:
    """The first rows of a labelled set, as a file of its own."""
    path.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:rows]), encoding="utf-8")
    return path


def every(path: Path, source: Path, step: int) -> Path:
    """Every so many rows of a labelled set, from its beginning to its end, as a file of its own."""
    path.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[::step]), encoding="utf-8")
    return path


def stable(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report must repeat on every machine, database and broker; which look it was is no such thing."""
    repeats = {key: value for key, value in report.items() if key not in VOLATILE}
    for side in ("start", "best"):
        repeats[side] = {key: value for key, value in report[side].items() if key != "version_id"}
    return {**repeats, "evidence": {**(report["evidence"] or {}), "look": None}}


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that is a setting of ours."""
    ours = ("AGON_", "DATABASE_", "REDIS_", "OPENAI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@dataclass
class Run:
    """One `agon improve` in a data folder of its own; `environment` adds to the clean one."""

    folder: Path
    file: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def out(self) -> Path:
        return self.folder / "report.json"

    def variables(self) -> dict[str, str]:
        """A clean environment, this data folder, and what the run adds."""
        return {**clean_environment(), "AGON_DATA_DIR": str(self.folder / "data"), **self.environment}

    def start(self) -> "Run":
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "command.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "improve", str(self.file), *self.options, "--json", str(self.out)],
                cwd=self.folder,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def wait(self, seconds: float = 240) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def said(self) -> str:
        return (self.folder / "command.log").read_text(encoding="utf-8")

    def report(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.out.read_text(encoding="utf-8"))
        return loaded

    def finish(self, seconds: float = 240) -> dict[str, Any]:
        """Run to the end; the report."""
        code = self.start().wait(seconds)
        assert code == 0, self.said()[-3000:]
        return self.report()

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(number)


def groups(folder: Path) -> dict[str, int]:
    """The process groups of this data folder's children by what they are: worker, calls, practice, web."""
    found: dict[str, int] = {}
    wanted = f"AGON_DATA_DIR={(folder / 'data').resolve()}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            group = os.getpgid(int(entry.name))
        except OSError:
            continue
        for name, mark in MARKS.items():
            if mark.encode() in command:
                found[name] = group
    return found


def kill_group(folder: Path, name: str) -> bool:
    group = groups(folder).get(name)
    if group is None:
        return False
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def practice(folder: Path, port: int, *options: str, by: Sequence[str] = ("app.practice",)) -> Iterator[str]:
    """A practice server of its own; its address."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "practice.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", *by, "--port", str(port), *options], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


@contextmanager
def serve(folder: Path, **environment: str) -> Iterator[str]:
    """`agon serve` in a data folder of its own; its address."""
    port = free_port()
    ours = {"AGON_DATA_DIR": str(folder / "data"), "AGON_PORT": str(port), **environment}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env={**clean_environment(), **ours}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/generators", 90)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def wait_for(url: str, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    with httpx2.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < limit:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx2.HTTPError:
                time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


def wait_for_text(run: Run, text: str, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while text not in run.said():
        assert time.monotonic() < limit, run.said()[-2000:]
        time.sleep(0.1)


def requests_seen(base_url: str) -> int:
    """How many chat completions the practice server was asked for."""
    stats = httpx2.get(base_url.removesuffix("/v1") + "/stats", trust_env=False).json()
    return int(stats["total"])
