"""Which answers a page of an evaluation lists, and a cell of its confusions: by one label of a set, or by whole codes."""

from app.storage import shown
from app.storage.evaluations import Output
from app.storage.session import Database
from app.storage.shown import Cell
from tests.services.paired import Paired

TOP = 1 << 61  # the last label of a set of 62
EXPECTED = [0, 1, TOP, TOP + 1, TOP, 3]
READ = [TOP, 1, TOP, 1, -1, 2]
CELLS = {
    Cell(TOP, 2, 1, 1): [2],
    Cell(TOP, 2, 1, 0): [3],
    Cell(TOP, 2, 0, 1): [0],
    Cell(TOP, 2, 1, -1): [4],
    Cell(TOP, 2, 1, None): [3, 4],
    Cell(TOP, 2, None, 1): [0],
    Cell(1, 2, 1, None): [5],
    Cell(1, 2, None, 0): [5],
    Cell(1, 1 << 62, 1, 1): [1],
    Cell(1, 1 << 62, 3, None): [5],
}


def test_answers_are_found_by_what_is_right_and_by_cell_page_by_page(database: Database) -> None:
    paired = Paired.at(database, [0] * len(READ))
    evaluation = paired.answer("Which? {{input}}", [0] * len(READ))
    with database.write() as session:
        for one, label, reading in zip(paired.ids, EXPECTED, READ, strict=True):
            row = session.get_one(Output, (evaluation, one, 0))
            row.label, row.reading = label, reading

    def found(show: str = "wrong", cell: Cell | None = None, limit: int = 9, offset: int = 0) -> list[int]:
        place = (evaluation, paired.version_id, "dev")
        with database.read() as session:
            rows = shown.outputs(session, *place, show=show, cell=cell, limit=limit, offset=offset)
            return [row.position for row in rows]

    assert {cell: found(cell=cell) for cell in CELLS} == CELLS
    kinds = {show: found(show) for show in ("right", "wrong", "unreadable")}
    assert kinds == {"right": [1, 2], "wrong": [0, 3, 4, 5], "unreadable": [4]}
    assert found(limit=2, offset=1) == [3, 4]
