"""The kinds of jobs there are: what people call them, which workers take them, and how their subjects are named."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.services import importing, improving, retuning, rules
from app.services.holding import OPENING, RUN
from app.storage import operations
from app.storage.operations import HeldJob, Named, TroubledJob
from app.storage.runs import BLOCK


@dataclass(frozen=True)
class Kind:
    """A kind of job in words, the role of the workers that take it, and how its subjects are named."""

    one: str
    many: str
    role: str
    names: Callable[[Session, Collection[str]], Mapping[str, Named]]


KINDS = {
    improving.KIND: Kind("campaign", "Campaigns", "drivers", operations.campaign_names),
    BLOCK: Kind("block", "Blocks of evaluations", "calls", operations.block_names),
    RUN: Kind("evaluation", "Evaluations to sum up", "drivers", operations.run_names),
    OPENING: Kind("opening", "Openings of holdouts", "drivers", operations.opening_names),
    retuning.KIND: Kind("thresholds", "Thresholds to work out", "drivers", operations.threshold_names),
    rules.KIND: Kind("re-reading", "Outputs to read again", "drivers", operations.project_names),
    importing.KIND: Kind("import", "Imports", "drivers", operations.upload_names),
}


def names_of(session: Session, found: Sequence[HeldJob | TroubledJob]) -> dict[tuple[str, str], Named]:
    """Subjects as people know them, with one look-up for each kind that there is."""
    known = {}
    for name, kind in KINDS.items():
        subjects = {job.subject for job in found if job.kind == name}
        if subjects:
            known.update({(name, subject): named for subject, named in kind.names(session, subjects).items()})
    return known


def name_of(names: Mapping[tuple[str, str], Named], job: HeldJob | TroubledJob) -> Named:
    one = KINDS[job.kind].one if job.kind in KINDS else job.kind
    return names.get((job.kind, job.subject), Named(f"{one} {job.subject}", ""))
