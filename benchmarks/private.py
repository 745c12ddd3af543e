"""Redis and PostgreSQL of a benchmark's own, on free ports and in a folder, so that it may kill them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from time import sleep

from benchmarks.fleet import wait_until
from tests.flows.running import free_port

BINARIES = "/usr/lib/postgresql/*/bin"


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@dataclass
class PrivateRedis:
    """Keeps nothing: what is in it is lost when it is restarted."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["redis-server", *options, "--dir", str(self.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: answers(self.port), 20, "the private Redis does not answer")

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self, away: float) -> None:
        self.stop()
        sleep(away)
        self.start()


@dataclass
class PrivatePostgres:
    """A cluster in a folder, run as the user postgres where this process may not run one itself."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *arguments: str) -> None:
        found = sorted(Path("/").glob(f"{BINARIES[1:]}/{program}"))
        command = [str(found[-1] if found else program), "-D", str(self.folder / "cluster"), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once, as when the machine fails; it recovers from its log at the next start."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def restart(self, away: float) -> None:
        self.stop()
        sleep(away)
        self.start()


@contextmanager
def private_redis(folder: Path) -> Iterator[PrivateRedis]:
    server = PrivateRedis(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def private_postgres(folder: Path) -> Iterator[PrivatePostgres]:
    server = PrivatePostgres(folder, free_port())
    server.make()
    try:
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()
