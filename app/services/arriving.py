"""How far an import is: an estimate from the stage it is in, its rows, and how long it has run."""

from dataclasses import dataclass

# Where each stage ends, as a share of the whole; measured, and near enough for files of every size.
STAGES = {"reading": 0.15, "looking for near-duplicates": 0.55, "splitting": 0.75, "saving": 0.97}
ROWS_A_SECOND = 1800
AT_LEAST = 2.0  # seconds


@dataclass(frozen=True)
class ImportProgress:
    """`share` is an estimate; `seconds_left` is None until a worker has begun."""

    share: float
    seconds_left: float | None


def import_progress(stage: str, rows: int, seconds: float) -> ImportProgress:
    """`seconds` holds the wait for a worker too, so that the stage bounds what it may say."""
    if stage not in STAGES:
        return ImportProgress(0.0, None)
    whole = AT_LEAST + rows / ROWS_A_SECOND
    end = STAGES[stage]
    begin = max((earlier for earlier in STAGES.values() if earlier < end), default=0.0)
    share = min(end, max(begin, seconds / whole))
    return ImportProgress(share, whole * (1 - share))
