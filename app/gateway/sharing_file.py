"""The limits shared by the processes of one machine, kept in one small file a key."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep, time

import msgspec

from app.domain import allowances, slots
from app.domain.allowances import LONGEST_REST, Flow, Grant, Rule
from app.domain.slots import Register
from app.gateway.seen import Seen, seen

LOCK = "lock"
LOCK_SECONDS = 0.2
LOOK_SECONDS = 0.0005
KEPT_SECONDS = 2 * LONGEST_REST


@dataclass(frozen=True)
class Page:
    """Everything about one key."""

    key: str
    flow: Flow = field(default_factory=Flow)
    register: Register = field(default_factory=Register)


_pages = msgspec.json.Decoder(Page)


class FileSharing:
    """Implements Sharing; raises OSError when the folder cannot be used or its lock is not to be had.

    The clock is the machine's monotonic one, which all its processes share and nobody sets. It starts again with the
    machine: that looks like a clock set back, by which nothing is won or lost.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = monotonic) -> None:
        self._folder = folder
        self._clock = clock

    def take(self, key: str, rule: Rule, requests: int, tokens: int, party: str) -> Grant:
        with self._locked():
            page = self._read(key)
            flow, grant = allowances.taken(page.flow, rule, requests, tokens, party, self._clock())
            self._write(replace(page, flow=flow))
        return grant

    def give_back(self, key: str, requests: int, tokens: int) -> None:
        self._flowing(key, lambda flow, now: allowances.given_back(flow, requests, tokens, now))

    def correct(self, key: str, tokens: int) -> None:
        self._flowing(key, lambda flow, now: allowances.corrected(flow, tokens, now))

    def rest(self, key: str, seconds: float) -> None:
        self._flowing(key, lambda flow, now: allowances.rested(flow, seconds, now))

    def resting(self, key: str) -> float:
        with self._locked():
            page, now = self._read(key), self._clock()
        return max(0.0, allowances.moved(page.flow, now).rest_until - now)

    def slots(self, key: str, rule: Rule, holder: str, party: str, wanted: int, under_way: int) -> int:
        with self._locked():
            page = self._read(key)
            register, given = slots.assigned(
                page.register, rule.in_flight, holder, party, wanted, under_way, self._clock()
            )
            self._write(replace(page, register=register))
        return given

    def leave(self, key: str, holder: str) -> None:
        with self._locked():
            self._forget()
            page = self._read(key)
            self._write(replace(page, register=slots.left(page.register, holder, self._clock())))

    def seen(self) -> list[Seen]:
        with self._locked():
            self._forget()
            pages = [_page(path) for path in sorted(self._folder.glob("*.json"))]
            now = self._clock()
        return [seen(page.key, page.flow, page.register, now) for page in pages if page]

    def _flowing(self, key: str, change: Callable[[Flow, float], Flow]) -> None:
        with self._locked():
            page = self._read(key)
            self._write(replace(page, flow=change(page.flow, self._clock())))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's one lock, so that a file may be changed or taken away."""
        lock = self._open_lock()
        try:
            until = monotonic() + LOCK_SECONDS
            while not _got(lock):
                if monotonic() > until:
                    raise TimeoutError(f"another process holds {self._folder / LOCK} and does not let go")
                sleep(LOOK_SECONDS)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing alone would leave it to a child that was forked meanwhile
            os.close(lock)

    def _open_lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._folder / LOCK, flags, 0o600)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.open(self._folder / LOCK, flags, 0o600)

    def _place(self, key: str) -> Path:
        return self._folder / f"{sha256(key.encode()).hexdigest()[:32]}.json"

    def _read(self, key: str) -> Page:
        return _page(self._place(key)) or Page(key)

    def _write(self, page: Page) -> None:
        """In place and in one call, which a killed process finishes for a file of one disk page.

        A new file put in the place of the old one would be whole always, but ext4 sends it to the disk at once, and
        on a busy disk everybody waits for that. What a power cut spoils is like nothing.
        """
        file = os.open(self._place(page.key), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, msgspec.json.encode(page).ljust(os.fstat(file).st_size), 0)
        finally:
            os.close(file)

    def _forget(self) -> None:
        """Take away the files of keys that nobody asks about any more."""
        for path in self._folder.glob("*.json"):
            if path.stat().st_mtime < time() - KEPT_SECONDS:
                path.unlink()


def _got(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _page(path: Path) -> Page | None:
    """What the file holds; one that cannot be read is like none."""
    try:
        return _pages.decode(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None
