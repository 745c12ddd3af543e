"""CSV: a header and its rows, whatever of the usual marks stands between the cells, and what makes a record no row."""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import islice

from app.domain.findings import Findings
from app.domain.jsonlines import row_too_large, too_large_message

_MARKS = ",;\t"
_BEGINNING, _LOOKED_AT = 65_536, 20  # characters, records
_FAULTS = {
    "unexpected end of data": "a quote that opens here is never closed",
    "expected after": "a quote inside a quoted cell must be written twice",
}


def csv_rows(text: str, max_row_bytes: int, findings: Findings) -> Iterator[tuple[int, dict[str, str]]]:
    """(line where it begins, values) of every record that fits the header; blank records are skipped."""
    records = _records(text, max_row_bytes, findings)
    line, header = next(records, (1, None))
    if header is None:
        return
    names = [name.strip() for name in header]
    _check_header(names, line, findings)
    for line, cells in records:
        if cells is None:
            continue
        if row_too_large("".join(cells), max_row_bytes):
            findings.add(too_large_message(max_row_bytes), f"line {line}")
        elif len(cells) != len(names):
            findings.add(f"has {len(cells)} cells, the header has {len(names)}", f"line {line}")
        else:
            yield line, dict(zip(names, cells, strict=True))


def _records(text: str, max_row_bytes: int, findings: Findings) -> Iterator[tuple[int, list[str] | None]]:
    """(first line, cells) of each record that is not blank; None for one that cannot be read."""
    csv.field_size_limit(max(csv.field_size_limit(), 2 * max_row_bytes))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_mark(text), strict=True)
    step: Callable[[], list[str]] = reader.__next__
    while True:
        line = reader.line_num + 1
        try:
            cells = step()
        except StopIteration:
            return
        except csv.Error as fault:
            findings.add(_fault_message(str(fault), max_row_bytes), f"line {line}")
            yield line, None
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _fault_message(fault: str, max_row_bytes: int) -> str:
    if "field larger" in fault:
        return f"{too_large_message(max_row_bytes)}; is a quote that opens here never closed?"
    reason = next((said for part, said in _FAULTS.items() if part in fault), fault)
    return f"is not valid CSV: {reason}"


def _mark(text: str) -> str:
    """The mark that cuts the header into several cells and the next records into as many."""

    def fit(mark: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text[:_BEGINNING], newline=""), delimiter=mark)
        try:
            widths = [len(cells) for cells in islice(reader, _LOOKED_AT) if any(cell.strip() for cell in cells)]
        except csv.Error:
            return 0, 0
        return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(_MARKS, key=fit)


def _check_header(names: list[str], line: int, findings: Findings) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names, start=1):
        where = f"line {line}, column {place}"
        if not name:
            findings.add("the column has no name", where)
        elif name in seen:
            findings.add(f"the name {name[:80]} is used twice", where)
        seen.add(name)
