"""Says why a column that is named like one of times cannot be used as one."""

from app.domain.cells import absent, cell
from app.domain.tables import Table
from app.domain.times import commonest_reader, time_reader

_HOW = "write times as 2023-07-16 or 2023-07-16T09:30"


def time_trouble(table: Table, name: str) -> str:
    """What is wrong and what to do, without a value from the file; nothing where half of the rows or more have a time."""
    values = [cell(row.values, name) for row in table.rows]
    there = [(row.line, value) for row, value in zip(table.rows, values, strict=True) if not absent(value)]
    reader, why = time_reader(values)
    if reader is None:
        return why or _unread(there)
    if 2 * len(there) < len(values):
        return f"only {len(there):,} of {len(values):,} rows have a time, and at least half must"
    return ""


def _unread(there: list[tuple[int, object]]) -> str:
    """The first line that is not as most are, where most are times."""
    read = commonest_reader([value for _, value in there])
    strange = [line for line, value in there if read(value) is None]
    if 2 * len(strange) > len(there):
        return f"holds no times that can be read; {_HOW}"
    more = f" and {len(strange) - 1:,} more" if len(strange) > 1 else ""
    return f"line {strange[0]}{more} cannot be read as a time like the other rows; {_HOW}"
