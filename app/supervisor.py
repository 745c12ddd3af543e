"""One parent for web, worker and practice server: starts them, restarts what dies, and ends them all."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from app.ending import PARENT
from app.logs import keep_short

_PATIENCE = (1.0, 30.0)
_STEADY = 20.0
_LOGS_EVERY = 5.0  # seconds


@dataclass
class Child:
    """One supervised process, the leader of its own group so that a terminal's Ctrl-C reaches only the parent."""

    name: str
    command: Sequence[str]
    log: IO[bytes] | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _PATIENCE[0]
    retry_at: float = 0.0

    def start(self, environment: Mapping[str, str], handle: int) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            list(self.command),
            env={**environment, PARENT: str(handle)},
            pass_fds=(handle,),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


@dataclass
class Supervisor:
    """Keeps children alive and their logs short until it is closed. Use it as a context manager."""

    environment: Mapping[str, str]
    children: list[Child] = field(default_factory=list)
    log_bytes: int = 10_000_000

    def __enter__(self) -> "Supervisor":
        self._read, self._write = os.pipe()
        os.set_inheritable(self._read, True)
        self._ending = threading.Event()
        for child in self.children:
            child.start(self.environment, self._read)
        self._thread = threading.Thread(target=self._watch, daemon=True, name="supervisor")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _watch(self) -> None:
        """Restart what ended by itself, soon at first and less often when it keeps dying."""
        looked = time.monotonic()
        while not self._ending.wait(0.2):
            for child in self.children:
                if not child.running():
                    self._restart(child)
            if time.monotonic() - looked > _LOGS_EVERY:
                looked = time.monotonic()
                self._keep_logs_short()

    def _keep_logs_short(self) -> None:
        for child in self.children:
            if child.log is not None:
                keep_short(Path(child.log.name), self.log_bytes)

    def _restart(self, child: Child) -> None:
        moment = time.monotonic()
        if child.retry_at == 0.0:
            child.signal(signal.SIGKILL)
            child.pause = _PATIENCE[0] if moment - child.started > _STEADY else min(child.pause * 2, _PATIENCE[1])
            child.retry_at = moment + (child.pause if child.pause > _PATIENCE[0] else 0.0)
        if moment >= child.retry_at and not self._ending.is_set():
            child.retry_at = 0.0
            child.start(self.environment, self._read)

    def close(self, grace: float = 4.0) -> None:
        """Ask every child to end, then make it; all are gone afterwards."""
        self._ending.set()
        self._thread.join()
        for child in self.children:
            if child.process is not None:
                child.process.terminate()
        limit = time.monotonic() + grace
        while time.monotonic() < limit and any(child.running() for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        os.close(self._write)
        os.close(self._read)


def python_module(*arguments: str) -> list[str]:
    """A module of ours, whatever the folder we are started in holds: -P keeps that folder out of the path."""
    return [sys.executable, "-P", "-m", *arguments]
