"""A holdout report as a document of a few kinds of blocks, for whatever prints it."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.services.report_views import HoldoutReport, Sheet
from app.web import frozen_words
from app.web import report_words as words
from app.web.formats import money, score, signed, signed_between, thousands


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    text: str
    strong: bool = False


@dataclass(frozen=True)
class Facts:
    """Names with what is said of each."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table; all rows are as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Verbatim:
    """A text that keeps its lines, such as a prompt."""

    text: str


Block = Heading | Paragraph | Facts | Grid | Verbatim


def document(r: HoldoutReport) -> tuple[Block, ...]:
    """The whole report, in the order of its page."""
    sections = (_head(r), _scores(r), _belief(r), _frozen(r), _classes(r), _uses(r), _unreadable(r), _prompts(r))
    return tuple(block for section in sections for block in section)


def _head(r: HoldoutReport) -> Iterator[Block]:
    about = f"{r.name} of {r.project}" if r.campaign is not None else f"v{r.best.version} of {r.project}"
    yield Heading(f"Holdout report: {about}", 1)
    if r.simulated:
        yield Paragraph("Practice models answered here, so no score says anything about a real language model.")
    yield Paragraph(f"{r.verdict.capitalize()}. {words.verdict_words(r)}", strong=True)
    cost = money(r.cost)
    yield Facts(
        (
            ("Goal", f"{r.goal}; a gain of {r.smallest_gain} matters"),
            ("Task model", r.task_model + (" (simulated)" if r.simulated else "")),
            ("Examples", ", ".join(f"{name} {thousands(size)}" for name, size in r.splits.items())),
            ("Holdout", words.look_words(r)),
            ("Opened", words.opened_words(r)),
            ("Bought", f"{thousands(r.calls)} calls, {thousands(r.tokens)} tokens, cost {cost}"),
        )
    )


def name_of(r: HoldoutReport, sheet: Sheet) -> str:
    role = "Start" if sheet is r.start else "Best"
    if r.campaign is None:
        role = "Compared with" if sheet is r.start else "Prompt"
    return f"{role}, v{sheet.version}"


def sheets(r: HoldoutReport) -> tuple[Sheet, ...]:
    return (r.start,) if r.same else (r.start, r.best)


def _scores(r: HoldoutReport) -> Iterator[Block]:
    yield Heading("Scores")
    rows = []
    for sheet in sheets(r):
        each = [sheet.dev, sheet.holdout]
        rows.append(
            (
                name_of(r, sheet),
                *("–" if e is None else words.estimate_words(e.value, e.low, e.high, e.n) for e in each),
            )
        )
    yield Grid(("Prompt", "Dev", "Holdout"), tuple(rows))
    if r.gain:
        g = r.gain
        yield Paragraph(
            f"Gain on the holdout, paired: {signed(g.value)} ({signed_between(g.low, g.high)}, n {thousands(g.n)}), "
            f"p {words.p_words(g.p)}, two-sided."
        )
    if r.evidence.further:
        yield Heading("Further goals, on the holdout", 3)
        yield Grid(("Goal", *(name_of(r, sheet) for sheet in (r.start, r.best)), "Gain", "p"), tuple(_further(r)))
        yield Paragraph(words.FURTHER)
    if r.majority_baseline is not None:
        yield Paragraph(f"Always giving the commonest answer scores {score(r.majority_baseline)} on dev.")
    yield Paragraph(" ".join(filter(None, ("Intervals are 95%.", words.units_words(r)))))


def _further(r: HoldoutReport) -> Iterator[tuple[str, ...]]:
    for one in r.evidence.further:
        scores = (words.estimate_words(e.value, e.low, e.high, e.n) for e in (one.start, one.best))
        g = one.gain
        yield one.goal, *scores, f"{signed(g.value)} ({signed_between(g.low, g.high)})", words.p_words(g.p)


def _belief(r: HoldoutReport) -> Iterator[Block]:
    if not r.whole:
        yield Paragraph("This report is from before more was kept of it.")
        return
    yield Heading("How far to believe them")
    yield Facts(
        (
            ("Candidates tried", words.tried_words(r)),
            ("Expected on new data", words.shrunk_words(r)),
            ("p on dev", words.corrected_words(r)),
            ("Dev minus holdout", words.gap_words(r)),
        )
    )
    yield Paragraph(words.detectable_words(r))


def _frozen(r: HoldoutReport) -> Iterator[Block]:
    if not r.thresholds:
        return
    yield Heading("Frozen thresholds, on the holdout")
    for one in r.thresholds:
        yield Heading(frozen_words.title_words(r, one), 3)
        yield Paragraph(frozen_words.note_words(one))
        rows = tuple(
            (p.name, p.threshold, p.share, p.goal, *map(frozen_words.estimate, (p.promised, p.holdout)), p.said)
            for p in frozen_words.promises(one)
        )
        if rows:
            head = ("Class", "Threshold", "Share", "Goal", one.split.capitalize(), "Holdout", "Promise")
            yield Grid(head, rows)
        if said := frozen_words.abstaining_words(one):
            yield Paragraph(said)


def _classes(r: HoldoutReport) -> Iterator[Block]:
    if not r.evidence.recalls:
        return
    yield Heading("Recall by class, on the holdout")
    rows = tuple(
        (
            one.name,
            *(words.estimate_words(e.value, e.low, e.high, e.n) for e in (one.start, one.best)),
        )
        for one in r.evidence.recalls
    )
    yield Grid(("Class", *(name_of(r, sheet) for sheet in (r.start, r.best))), rows)
    if left := words.classes_words(r):
        yield Paragraph(left)


def _uses(r: HoldoutReport) -> Iterator[Block]:
    if r.start.use is None:
        return
    yield Heading("What an answer takes")
    rows = [(name_of(r, sheet), *words.use_words(sheet.use)) for sheet in sheets(r)]
    if not r.same:
        rows.append(("Change", *words.change_words(r)))
    yield Grid(("Prompt", "Tokens in", "Tokens out", "Cost"), tuple(rows))


def _unreadable(r: HoldoutReport) -> Iterator[Block]:
    if not r.evidence.unreadable:
        return
    yield Heading("Unreadable replies")
    named = {"start": name_of(r, r.start), "best": name_of(r, r.best)}
    found = r.evidence.unreadable
    rows = [(named[one.prompt], one.split.capitalize(), words.unreadable_words(one)) for one in found]
    if not any(one.ungraded for one in found):
        yield Grid(("Prompt", "Split", "Unreadable"), tuple(rows))
        return
    told = tuple((*row, words.ungraded_words(one)) for row, one in zip(rows, found, strict=True))
    yield Grid(("Prompt", "Split", "Unreadable", "Without a grade"), told)


def _prompts(r: HoldoutReport) -> Iterator[Block]:
    yield Heading("The prompts")
    if said := words.forms_words(r):
        yield Paragraph(said)
    for sheet in sheets(r):
        yield Heading(name_of(r, sheet), 3)
        yield Verbatim(sheet.text)
