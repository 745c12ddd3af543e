"""What processes use, read from /proc: CPU seconds, memory at the most, and the modules they have loaded."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def group_members(group: int) -> list[int]:
    """The processes of a group that live, the oldest first."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[2]) == group and fields[0] != "Z"]


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds of these processes so far."""
    return sum((int(fields[11]) + int(fields[12])) / TICKS for pid in pids if (fields := _stat(pid)))


def most_memory(pid: int) -> float:
    """The largest resident size so far, in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def loaded(pid: int, names: Iterable[str]) -> list[str]:
    """Which of these packages' compiled parts the process has mapped."""
    mapped = Path(f"/proc/{pid}/maps").read_text()
    return [name for name in names if f"/{name}/" in mapped]
