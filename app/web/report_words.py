"""The sentences of a holdout report: the same on its page, in Markdown and in print."""

from app.domain.comparing import Difference, is_contradictory
from app.domain.confirming import FEWEST_CANDIDATES, FEWEST_OF_CLASS, Unreadable, Use
from app.domain.formats import AnswerFormat
from app.domain.goals import missed, parse_goal
from app.services.report_views import HoldoutReport
from app.web.formats import between, moment, money, p_value, percent, score, signed, signed_between, thousands

KEPT = "The start prompt is kept."
FURTHER = "The verdict rests on the first goal alone. Each p is that of one goal."


def verdict_words(r: HoldoutReport) -> str:
    """What the verdict means, what follows from it, and whether the bound of the goal is missed all the same."""
    found = r.best.holdout or r.best.dev
    miss = missed(r.goal, found.value) if found else ""
    where = f"on {'the holdout' if r.best.holdout else 'dev'}"
    told = [_verdict_words(r), part_words(r), contradiction_words(r.gain)]
    if miss:
        told.append(f"v{r.best.version}: the bound {miss} {where}.")
    return " ".join(one for one in told if one)


def part_words(r: HoldoutReport) -> str:
    """That the look was cut short, where it was."""
    if not r.is_part:
        return ""
    so_far = f"{thousands(r.answered)} of {thousands(r.splits['holdout'])} examples"
    return f"It was stopped early, by a cap or a person: both prompts have answered {so_far}, and all that is said here is of those."


def contradiction_words(gain: Difference | None) -> str:
    """Why p and interval do not say the same, where they do not."""
    if gain is None or not is_contradictory(gain):
        return ""
    return "p and the interval come by different methods and do not agree here; a verdict takes both."


def _verdict_words(r: HoldoutReport) -> str:
    if r.campaign is None:
        return _of_person(r)
    if r.verdict == "better":
        return (
            "On the holdout the prompt that led on dev is better than the start prompt. It became the project's "
            f"champion for {r.task_model}."
        )
    if r.verdict == "worse":
        return f"On the holdout the prompt that led on dev is worse than the start prompt. {KEPT}"
    if r.verdict == "tie":
        return f"On the holdout the two differ by less than the smallest gain that matters, {r.smallest_gain}. {KEPT}"
    if r.verdict == "start kept":
        small = r.stopped_because == "budget too small"
        why = "The budget was too small for a round." if small else "No candidate led the start prompt on dev."
        return f"{why} The start prompt is kept, and the holdout stays shut."
    return f"{_no_evidence(r)} {KEPT}"


def _of_person(r: HoldoutReport) -> str:
    new, old = f"v{r.best.version}", f"v{r.start.version}"
    if r.gain is None:
        return "Too few answers came to compare the two prompts."
    if r.verdict == "tie":
        return f"On the holdout {new} and {old} differ by less than the smallest gain that matters, {r.smallest_gain}."
    if r.verdict == "not enough evidence":
        return f"The holdout cannot tell {new} and {old} apart."
    return f"On the holdout {new} is {r.verdict} than {old}."


def _no_evidence(r: HoldoutReport) -> str:
    if r.evidence.spent:
        return f"The dev score stands unconfirmed. {r.evidence.spent}"
    if r.opened is None:
        return "This test set is too small to have a holdout, so nothing could be confirmed."
    if r.gain is None:
        return "The calls that were left did not reach for the holdout."
    return "The holdout cannot tell the two apart."


_HOW = {"text": "plain text", "json": "JSON", "codes": "one letter a label"}
_FROM = {
    "none": "",
    "logprobs": "probabilities of tokens",
    "votes": "probabilities from votes",
    "stated": "stated probabilities",
}


def forms_words(r: HoldoutReport) -> str:
    """How each prompt asks for answers, where the two ask in different ways."""
    if r.start.form == r.best.form:
        return ""
    return "; ".join(f"v{sheet.version} asks for {_form_words(sheet.form)}" for sheet in (r.start, r.best)) + "."


def _form_words(form: AnswerFormat) -> str:
    before = f"{' and '.join(form.before)} before the verdict" if form.before else ""
    return ", ".join(part for part in (_HOW[form.how], before, _FROM[form.probabilities]) if part)


def look_words(r: HoldoutReport) -> str:
    """Which look this was, and what came before it."""
    if r.opened is None:
        return "The holdout was not opened."
    said = f"Look {r.opened.look} of {r.evidence.looks}"
    if r.opened.look < r.evidence.looks:
        return f"{said}: nobody had seen how these examples come out."
    return f"{said}: these examples had been looked at before, so this look proves less, and the holdout is spent now."


def opened_words(r: HoldoutReport) -> str:
    if r.opened is None:
        return "not opened"
    return f"{moment(r.opened.at)}, by {r.opened.by}: {r.opened.reason}"


def estimate_words(value: float, low: float, high: float, n: int) -> str:
    return f"{score(value)} ({between(low, high)}, n {thousands(n)})"


def p_words(p: float | None) -> str:
    return "not given" if p is None else p_value(p)


def tried_words(r: HoldoutReport) -> str:
    luck = r.evidence.luck
    if luck is None:
        return "none with this model" if r.campaign is None else "not counted"
    if r.campaign is None:
        return f"{thousands(luck.tried)} {_prompts(luck.tried)} scored on this dev set with this model"
    return f"{thousands(luck.tried)}, of which {thousands(luck.complete)} answered all of dev"


def _prompts(count: int) -> str:
    return "prompt" if count == 1 else "prompts"


def shrunk_words(r: HoldoutReport) -> str:
    """The score to expect on new data, or why none is given."""
    luck = r.evidence.luck
    if r.campaign is None:
        return "not given: a person chose the prompt, and nobody knows out of how many"
    if luck is None or r.same:
        return "not given: no candidate was chosen"
    if luck.shrunk is None:
        return f"not given: fewer than {FEWEST_CANDIDATES} candidates answered all of dev"
    return f"{score(luck.shrunk)}, the dev score pulled towards the mean of all candidates"


def corrected_words(r: HoldoutReport) -> str:
    luck = r.evidence.luck
    if luck is None or luck.p is None or luck.correction is None:
        return f"not given: {'a person chose the prompt' if r.campaign is None else 'no candidate was chosen'}"
    by_counts = parse_goal(r.goal).counts_right and not r.evidence.units
    test = "one-sided exact McNemar" if by_counts else "two-sided permutation"
    over = "Holm over all that were tried" if luck.correction == "Holm" else "times all that were tried"
    how = f"{test} against the start, {over}"
    return f"{p_words(luck.p)} ({how})"


def gap_words(r: HoldoutReport) -> str:
    gap = r.evidence.gap
    if gap is None:
        return "not given: there is no score on both"
    told = f"{signed(gap.value)} ({signed_between(gap.low, gap.high)}, standard error {score(gap.se)})"
    return f"{told}; dev and holdout are different examples"


def detectable_words(r: HoldoutReport) -> str:
    """What so many examples could and could not show."""
    e = r.evidence
    if e.detectable is None or e.discordance is None or r.best.holdout is None:
        return "Nothing was seen on the holdout."
    n, differ = r.best.holdout.n, e.discordance
    what = f"With these {thousands(n)} examples"
    if not differ:
        return (
            f"{what} the two prompts never differed in what is right. Of prompts that differ as often as usual, a gain "
            f"below {score(e.detectable)} in right answers cannot be told from chance."
        )
    said = f"The prompts differed on {percent(differ)} of them in what is right."
    if e.units:
        said += " Examples of one group are alike, so that even a larger gain may not show."
    if e.detectable > differ:
        return f"{what} no gain can be told from chance. {said}"
    return f"{what} a gain below {score(e.detectable)} in right answers cannot be told from chance. {said}"


def units_words(r: HoldoutReport) -> str:
    """How intervals and p were drawn where examples are in groups."""
    units = r.evidence.units
    return f"Intervals and p are drawn from {thousands(units)} groups and lone examples, each whole." if units else ""


def classes_words(r: HoldoutReport) -> str:
    left = r.evidence.classes - len(r.evidence.recalls)
    if not left:
        return ""
    classes = "class has" if left == 1 else "classes have"
    return f"{left} {classes} fewer than {FEWEST_OF_CLASS} holdout examples and no recall here."


def unreadable_words(one: Unreadable) -> str:
    said = f"{thousands(one.count)} of {thousands(one.n)} ({percent(one.share, 1)})"
    return f"{said}, more than may be" if one.alarm else said


def ungraded_words(one: Unreadable) -> str:
    said = f"{thousands(one.ungraded)} of {thousands(one.n)}"
    return f"{said}, more than may be" if one.ungraded_alarm else said


def use_words(use: Use | None) -> tuple[str, str, str]:
    """Tokens in, tokens out, cost of an answer."""
    if use is None:
        return "–", "–", "unknown"
    cost = None if use.cost is None else round(use.cost)
    return _tokens(use.tokens_in), _tokens(use.tokens_out), money(cost)


def _tokens(count: float | None) -> str:
    return "–" if count is None else f"{count:,.1f}"


def change_words(r: HoldoutReport) -> tuple[str, str, str]:
    """The same as best minus start."""
    a, b = r.start.use, r.best.use
    if a is None or b is None:
        return "–", "–", "–"
    tokens = [
        "–" if one is None or other is None else signed(other - one, 1)
        for one, other in ((a.tokens_in, b.tokens_in), (a.tokens_out, b.tokens_out))
    ]
    if a.cost is None or b.cost is None:
        return tokens[0], tokens[1], "unknown"
    more = round(b.cost) - round(a.cost)
    sign = "+" if more > 0 else "\N{MINUS SIGN}" if more < 0 else ""
    return tokens[0], tokens[1], sign + money(abs(more))
