"""Keeps the shares of an evaluation in columns, with all that takes long worked out, so that pages only read.

It is done when a run ends, and when somebody asks for it: a page itself never writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.domain import formats, profiles, shapes
from app.domain.packing import packed, unpacked
from app.domain.shapes import Shape, shape_of
from app.domain.shares import Column, Confidence, Shares, folds_of, lead_of_yes, vote_shares, width
from app.errors import Conflict
from app.storage import probabilities, tunings
from app.storage.evaluations import Evaluation
from app.storage.probabilities import ShareRows
from app.storage.projects import Project
from app.storage.prompts import Prompt, PromptVersion
from app.storage.session import Database
from app.storage.tunings import EXAMPLES, FRAME, Tuning, part_of_lead

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

MOST_ROWS = 1_000_000
MOST_SHARES = 50_000_000  # 200 MB of them are held at once


def keep(database: Database, evaluation_id: str) -> int:
    """Work everything out anew; on how many examples. Reads in one transaction, writes in another.

    Nothing of a holdout: no threshold is tuned there.
    """
    with database.read() as session:
        evaluation = session.get_one(Evaluation, evaluation_id)
        found = shares_of(session, evaluation) if evaluation.split in ("train", "dev") else None
        if found is None or not len(found[0].examples):
            return 0
        shares, told = found
        told["lacking"] = probabilities.lacking(session, evaluation_id, len(shares.examples) + told["misfits"])
    parts = list(_parts(evaluation_id, shares, told))
    with database.write() as session:
        tunings.replace(session, evaluation_id, parts)
    return len(shares.examples)


def shares_of(
    session: Session, evaluation: Evaluation, opening_id: str | None = None
) -> tuple[Shares, dict[str, Any]] | None:
    """All shares of an evaluation, and where they come from; None where its answers have none.

    A holdout asks for its opening; raises ValueError without.
    """
    version = session.get_one(PromptVersion, evaluation.prompt_version_id)
    shape = shape_of(session.get_one(Project, session.get_one(Prompt, version.prompt_id).project_id).answer_space)
    if not shape.digits:
        return None
    most = min(MOST_ROWS, MOST_SHARES // width(shape))
    if probabilities.any_shares(session, evaluation.id):
        return _of_rows(shape, probabilities.share_rows(session, evaluation, most, opening_id))
    if formats.load(version.format).probabilities == "votes":
        return _of_votes(session, shape, evaluation, most, opening_id)
    return None


def _of_rows(shape: Shape, rows: ShareRows) -> tuple[Shares, dict[str, Any]]:
    """Rows of another length belong to answers that the project had before; they are left out."""
    import numpy as np

    size = 4 * width(shape)
    fits = np.array([one == size for one in rows.sizes], np.bool_)
    if fits.all():
        values = np.frombuffer(rows.shares, "<f4").reshape(len(fits), width(shape))
    else:
        ends = np.cumsum(rows.sizes)
        held = b"".join(rows.shares[end - size : end] for end in ends[fits].tolist())
        values = np.frombuffer(held, "<f4").reshape(int(fits.sum()), width(shape))
    columns = (rows.examples, rows.expected, rows.readings)
    examples, expected, readings = (np.array(one, np.int64)[fits] for one in columns)
    folds = folds_of(list(rows.groups))[fits]
    shares = Shares(shape, examples, expected, readings, np.array(rows.uncertain, np.bool_)[fits], folds, values)
    return shares, {"sources": sorted(rows.sources), "misfits": int((~fits).sum()), "samples": 1}


def _of_votes(
    session: Session, shape: Shape, evaluation: Evaluation, most: int, opening_id: str | None
) -> tuple[Shares, dict[str, Any]] | None:
    import numpy as np

    rows = probabilities.vote_rows(session, evaluation, most, opening_id)
    samples = 1 + max((row.sample for row in rows), default=0)
    if samples < 2:
        return None
    ids, _, expected, readings, sample = (np.array(column) for column in zip(*rows, strict=True))
    begins = np.append(True, ids[1:] != ids[:-1])
    first = begins & (sample == 0)
    of = np.cumsum(begins) - 1
    votes = vote_shares(shape, of, readings.astype(np.int64), int(begins.sum()))[of[first]]
    groups = [row.group for row, leads in zip(rows, first.tolist(), strict=True) if leads]
    examples, wanted, read = (one[first].astype(np.int64) for one in (ids, expected, readings))
    shares = Shares(shape, examples, wanted, read, np.zeros(len(votes), np.bool_), folds_of(groups), votes)
    return shares, {"sources": ["votes"], "misfits": 0, "samples": samples}


def _parts(evaluation_id: str, shares: Shares, told: dict[str, Any]) -> Iterator[Tuning]:
    n = len(shares.examples)
    told = {**told, "n": n, "uncertain": int(shares.uncertain.sum()), "shape": shapes.dump(shares.shape)}
    yield _part(evaluation_id, FRAME, {"folds": shares.folds}, {**told, **_whole(shares)})
    yield _part(evaluation_id, EXAMPLES, {"examples": shares.examples})
    for digit, one in enumerate(shares.shape.digits):
        if shares.shape.kind == "label" or one.yes is None:
            lead = shares.lead(digit)
            for by_margin, values in enumerate((lead.top, lead.margin)):
                part = part_of_lead(digit, bool(by_margin))
                yield _part(evaluation_id, part, {"values": values, "right": lead.right})
    for place in range(len(shares.shape.classes)):
        column = shares.column(place)
        calibrated, fitted = profiles.calibrate(column, shares.folds)
        results = profiles.dump(profiles.profile(column), calibrated)
        yield _part(evaluation_id, place, vars(column), results, fitted)


def _whole(shares: Shares) -> dict[str, Any]:
    """Of whole answers, where those are one of many: do the leading probabilities come true?"""
    from app.domain.curves import brier, log_loss
    from app.domain.reliability import calibration_error

    if shares.shape.kind != "label":
        return {}
    lead = shares.lead(0)
    losses = {"brier": brier(shares.values, shares.expected), "log_loss": log_loss(shares.values, shares.expected)}
    error = calibration_error(lead.top, lead.right)
    return {"whole": {**{name: asdict(loss) for name, loss in losses.items()}, "error": asdict(error)}}


def _part(
    evaluation_id: str,
    number: int,
    arrays: "dict[str, NDArray[Any]]",
    told: dict[str, Any] | None = None,
    fitted: dict[str, Any] | None = None,
) -> Tuning:
    layout, data = packed(arrays)
    return Tuning(
        evaluation_id=evaluation_id, part=number, told=told or {}, layout=layout, packed=data, fitted=fitted or {}
    )


def column_of(session: Session, evaluation_id: str, place: int) -> tuple[Column, dict[str, Any]]:
    """A class's column and its calibrations' fits. Raises Conflict when it was not worked out."""
    part = _found(session, evaluation_id, place)
    return Column(**unpacked(part.layout, part.packed)), part.fitted


def columns_of(session: Session, evaluation_id: str, most: int) -> list[Column]:
    """The columns of the first classes."""
    return [Column(**unpacked(part.layout, part.packed)) for part in tunings.parts(session, evaluation_id, most)]


def folds(session: Session, evaluation_id: str) -> "Ints":
    """The fold of every example. Raises Conflict when it was not worked out."""
    part = _found(session, evaluation_id, FRAME)
    return unpacked(part.layout, part.packed)["folds"]


def examples_at(session: Session, evaluation_id: str, places: Sequence[int]) -> list[int]:
    """The ids of the examples at these places."""
    return [int(one) for one in _numbers_at(session, evaluation_id, EXAMPLES, places)]


def margins_at(
    session: Session, evaluation_id: str, shape: Shape, place: int, column: Column, places: Sequence[int]
) -> list[float]:
    """By how much the leading value of the class's digit leads, for the examples at these places."""
    digit = shape.classes[place].digit
    if shape.kind != "label" and shape.digits[digit].yes is not None:
        return [float(one) for one in lead_of_yes(column).margin[list(places)]]
    return _numbers_at(session, evaluation_id, part_of_lead(digit, True), places)


def _numbers_at(session: Session, evaluation_id: str, number: int, places: Sequence[int]) -> list[float]:
    (name, kind, _), pieces = tunings.pieces_at(session, evaluation_id, number, places)
    found: list[float] = unpacked([[name, kind, len(pieces)]], b"".join(pieces))[name].tolist()
    return found


def confidence_of(
    session: Session, evaluation_id: str, shape: Shape, place: int, column: Column, *, by_margin: bool
) -> Confidence:
    """How sure the leading value is, in the digit that the class belongs to."""
    digit = shape.classes[place].digit
    if shape.kind != "label" and shape.digits[digit].yes is not None:
        return lead_of_yes(column).confidence(by_margin=by_margin)
    part = _found(session, evaluation_id, part_of_lead(digit, by_margin))
    return Confidence(**unpacked(part.layout, part.packed))


def _found(session: Session, evaluation_id: str, number: int) -> Tuning:
    part = tunings.part(session, evaluation_id, number)
    if part is None:
        raise Conflict("The probabilities of this evaluation were not worked out yet; ask for it on its page.")
    return part
