"""Opens a sealed holdout because a person wants to know: two prompts on one task model, with a reason, twice at most."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.domain.comparing import minimum_detectable_gain
from app.domain.confirming import LOOKS
from app.domain.prompts import placeholders
from app.domain.roles import why_not
from app.errors import Conflict, Invalid, Problem
from app.services import capping, evaluating, pricing, rules, starting
from app.services.grading import grading_of
from app.services.opening_needs import Checked, may_stop, need_of, too_little
from app.settings import Settings
from app.storage import ledger, openings, projects, prompts, starts, test_sets
from app.storage.base import id_for, new_id
from app.storage.campaigns import HoldoutOpening
from app.storage.endpoints import Endpoint
from app.storage.jobs import Nudge
from app.storage.openings import HoldoutSpent, Look
from app.storage.projects import Project
from app.storage.prompts import PromptVersion
from app.storage.session import hold_row
from app.storage.test_sets import TestSetVersion

FEWEST_WORDS = 3
LONGEST_REASON = 500


@dataclass(frozen=True)
class OpeningDraft:
    """What a person wants to see on the holdout, and why; `max_cost` in micro-units, None for no cap.

    Without `against_version_id` the prompt is compared with the project's first one. `confirmed`: they know that it
    cannot be undone.
    """

    project_id: str
    prompt_version_id: str
    endpoint_id: str
    reason: str
    against_version_id: str = ""
    confirmed: bool = False
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: int | None = None

    @property
    def caps(self) -> capping.Caps:
        return capping.Caps(self.max_calls, self.max_tokens, self.max_cost)


@dataclass(frozen=True)
class OpeningQuote:
    """What an opening would be: which look of how many at `examples`, and what it may buy at most.

    `there` of the `answers` are known already; `cost` is None when a price is not known. `detectable` is the smallest
    gain in right answers that such a holdout shows four times out of five, where prompts differ as often as usual.
    `short` says which cap on calls is too low for it, so that it would be refused, `may_stop` which other cap may stop
    it halfway, by what answers of these prompts took on dev; `repeats` is the look that compared
    these two prompts on this model before.
    """

    look: int
    of: int
    looks: list[Look]
    examples: int
    answers: int
    there: int
    calls: int
    cost: int | None
    detectable: float
    short: str
    may_stop: str
    repeats: Look | None

    @property
    def spent(self) -> bool:
        return len(self.looks) >= self.of


def usual(session: Session, settings: Settings, project_id: str, prompt_version_id: str = "") -> OpeningDraft:
    """What the form offers at first: this prompt, the champion or the newest, on the model used last, against the first."""
    chosen, first = starting.defaults(session, settings, project_id), _first(session, project_id)
    wanted = prompt_version_id or chosen.start_version_id
    if wanted == first and not prompt_version_id:
        wanted = starts.start_prompts(session, project_id)[0].id
    return OpeningDraft(project_id, wanted, chosen.task_endpoint_id, "", first)


def _first(session: Session, project_id: str) -> str:
    return prompts.numbered(session, prompts.line_of(session, project_id).id, 1).id


def sealed_version(session: Session, project_id: str) -> TestSetVersion:
    """The project's newest test set version. Raises NotFound, Conflict when nothing is sealed in it."""
    version = test_sets.newest_version(session, projects.get(session, project_id).id)
    if version is None or not version.splits["holdout"]:
        raise Conflict("This project has no holdout, so there is nothing to open.")
    return version


def _check(session: Session, draft: OpeningDraft) -> Checked:
    project, version = projects.get(session, draft.project_id), sealed_version(session, draft.project_id)
    against_id = draft.against_version_id or _first(session, project.id)
    prompt, problems = _prompt(session, version, project.id, draft.prompt_version_id, "prompt_version_id")
    against, more = _prompt(session, version, project.id, against_id, "against_version_id")
    problems += more
    if prompt and against and prompt.id == against.id:
        problems.append(Problem("choose another prompt to compare with", "against_version_id"))
    model = session.get(Endpoint, draft.endpoint_id)
    if model is None:
        problems.append(Problem("choose a model that answers prompts", "endpoint_id"))
    elif why := why_not(model.full_name, model.role, "task"):
        problems.append(Problem(why, "endpoint_id"))
    else:
        grading = grading_of(session, project)
        seats = {"endpoint_id": [model], **({"grader": [grading.grader]} if grading else {})}
        problems += capping.unpriced(session, project.id, seats, draft.max_cost)
    problems += evaluating.cap_problems({name: getattr(draft, name) for name in evaluating.CAPS})
    if problems or prompt is None or against is None or model is None:
        raise Invalid(problems)
    return Checked(project, version, prompt, against, model)


def _prompt(
    session: Session, version: TestSetVersion, project_id: str, version_id: str, field: str
) -> tuple[PromptVersion | None, list[Problem]]:
    if not starts.has_version(session, project_id, version_id):
        return None, [Problem("choose a prompt of this project", field)]
    prompt = prompts.get(session, version_id)
    unknown = sorted(placeholders(prompt.text).keys() - {"input", *version.variables})
    asks = f"asks for {', '.join(unknown)}, which the test set does not have"
    return prompt, [Problem(asks, field)] if unknown else []


def _reason_problems(draft: OpeningDraft) -> list[Problem]:
    problems = []
    if len(draft.reason.split()) < FEWEST_WORDS:
        problems.append(Problem(f"say why in at least {FEWEST_WORDS} words: others read it in the log", "reason"))
    if len(draft.reason) > LONGEST_REASON:
        problems.append(Problem(f"must be {LONGEST_REASON} characters at most", "reason"))
    if not draft.confirmed:
        problems.append(Problem("confirm that this look counts and cannot be undone", "confirmed"))
    return problems


def quote(session: Session, settings: Settings, draft: OpeningDraft) -> OpeningQuote:
    """What this opening may buy and which look it would be; nothing is opened. Raises Invalid, NotFound, Conflict."""
    found = _check(session, draft)
    need, looks = need_of(session, settings, found), openings.looks(session, found.version)
    tokens, grading = settings.task_max_tokens, grading_of(session, found.project)
    longest = starts.longest_of_first(session, found.version.id, "holdout", found.size)
    dearer = max((found.prompt, found.against), key=lambda one: len(one.text))
    grades = pricing.grades_at_most(grading, longest, tokens)
    cost = pricing.answers_at_most([found.model], dearer.text, longest, tokens, need.calls, grades)
    shared = capping.uses(session, capping.shared(found.project.id))
    return OpeningQuote(
        look=len(looks) + 1,
        of=LOOKS,
        looks=looks,
        examples=found.size,
        answers=need.answers,
        there=need.there,
        calls=need.calls,
        cost=capping.at_most(cost, draft.caps, shared),
        detectable=minimum_detectable_gain(found.size),
        short=" ".join(one.message for one in too_little(session, draft.project_id, draft.max_calls, need)),
        may_stop=may_stop(session, settings, found, draft.caps, need),
        repeats=openings.repeated(session, looks, found.both, found.model.id),
    )


def check(session: Session, settings: Settings, draft: OpeningDraft) -> Checked:
    """Raises what `begin` would, and opens nothing: Invalid with every problem, NotFound, Conflict, HoldoutSpent."""
    problems = _reason_problems(draft)
    try:
        found = _check(session, draft)
    except Invalid as invalid:
        raise Invalid([*invalid.problems, *problems]) from None
    need = need_of(session, settings, found)
    if problems := [*too_little(session, draft.project_id, draft.max_calls, need), *problems]:
        raise Invalid(problems)
    if len(looks := openings.looks(session, found.version)) >= LOOKS:
        raise HoldoutSpent(looks)
    if going := openings.unfinished(session, found.version, found.both, found.model.id):
        what_to_do = "is not over; raise its cap, resume or stop it first: see"
        raise Conflict(f"Look {going.number} compares the same two prompts and {what_to_do} /openings/{going.id}.")
    return found


def begin(
    session: Session, settings: Settings, draft: OpeningDraft, once: str = ""
) -> tuple[HoldoutOpening, list[Nudge]]:
    """Open the holdout and have both prompts answer it; whom to nudge after the commit.

    Raises Invalid naming fields, NotFound, Conflict without a holdout, HoldoutSpent. What is sent again with the same
    `once`, unless that is empty, leads to the opening that was made first.
    """
    opening_id = id_for(f"opening {draft.project_id} {once}") if once else new_id()
    hold_row(session, Project, draft.project_id)
    if (made := session.get(HoldoutOpening, opening_id)) is not None:
        return made, []
    rules.require_settled(session, draft.project_id)
    found = check(session, settings, draft)
    opening = openings.open_for_person(
        session,
        version_id=found.version.id,
        prompt_version_id=found.prompt.id,
        against_version_id=found.against.id,
        endpoint_id=found.model.id,
        reason=" ".join(draft.reason.split()),
        opening_id=opening_id,
    )
    account = ledger.open_account(session, ledger.account_of("opening", opening.id), vars(draft.caps))
    nudges = evaluating.order_for_opening(
        session, settings, opening, found.project.id, account.id, found.both, size=found.size
    )
    return opening, nudges
