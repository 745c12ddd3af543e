"""A prompt taken apart and put together again: opening, labels, answer format, worked examples, closing."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from app.practice.labels import Bullet, bullets
from app.practice.text_shapes import comparable, worded
from app.practice.worked import find_worked, without

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")
_ASKS = ("Answer with", "Reply with", "Respond with", "Give")
_ONES = (
    "the label alone",
    "one label alone",
    "exactly one of these labels alone",
    "the label only, exactly as written",
)
_BANS = ("without any other word", "and nothing else", "with no explanation and no other word")
_CUES = re.compile(r"[;,.]?\s*words such as (?P<words>[^;\n]*)", re.IGNORECASE)
_HEADINGS = re.compile(
    r"^[ \t#*]*(?:the )?(?:worked examples?|examples?|labels?|categories|classes)\b[^\n.]{0,40}:?[ \t*]*$", re.I
)
_NAMES_ALL = re.compile(r"answer|reply|respond|give|label|choose|output|ответ|метк", re.IGNORECASE)
_NAMES_NONE = re.compile(
    r"(?:please )?(?:answer|reply|respond|output|return)\b[^\n]*\b(?:labels?|categor(?:y|ies)|class(?:es)?|options?)\b",
    re.IGNORECASE,
)
_FIELD_HEADING = re.compile(r"[^\n]{1,40}[:>]|\"\"\"|```")
_EXAMPLE_LENGTH = 320
_MARGIN = 60


@dataclass(frozen=True)
class Example:
    """A worked example on its way into a prompt."""

    input: str
    label: str


@dataclass(frozen=True)
class Draft:
    """Parts of a prompt. `labels` maps names to descriptions, `cues` to telling words; newest examples first."""

    opening: str
    labels: tuple[tuple[str, str], ...]
    cues: dict[str, tuple[str, ...]]
    wording: str
    examples: tuple[Example, ...]
    closing: str


def take_apart(prompt: str, labels: Sequence[tuple[str, str]]) -> Draft:
    """Sort the lines of a prompt into a draft; what belongs to no known part stays in the opening."""
    at = _closing_start(prompt)
    head, closing = prompt[:at], prompt[at:].strip()
    worked = [example for example in find_worked(head) if "{{" not in head[example.start : example.end]]
    names = {comparable(name): name for name, _ in labels}
    lines = without(head, worked).split("\n")
    described = {b.line: b for b in bullets(lines) if comparable(b.name) in names and "{{" not in lines[b.line]}
    said = {comparable(b.name): b for b in described.values()}
    wording = [line for line in lines if _is_format(line, names)]
    kept = [
        line
        for n, line in enumerate(lines)
        if "{{" in line or not (n in described or line in wording or _HEADINGS.match(line))
    ]
    return Draft(
        opening=re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(),
        labels=tuple((name, _plain(said.get(comparable(name))) or given) for name, given in labels),
        cues={name: _cue_words(said.get(comparable(name))) for name, _ in labels},
        wording="\n".join(line.strip() for line in wording),
        examples=tuple(Example(e.input, names[comparable(e.label)]) for e in worked if comparable(e.label) in names),
        closing=closing,
    )


def put_together(draft: Draft, limit: int) -> str:
    """The draft as a prompt; the oldest examples, then the cues, fall off until it is shorter than `limit` characters."""
    text = _written(draft)
    while len(text) > limit - _MARGIN and (draft.examples or draft.cues):
        draft = replace(draft, examples=draft.examples[:-1]) if draft.examples else replace(draft, cues={})
        text = _written(draft)
    return text


def same_gaps(left: str, right: str) -> bool:
    """Whether two prompts have each placeholder equally often."""
    return Counter(PLACEHOLDER.findall(left)) == Counter(PLACEHOLDER.findall(right))


def usable(text: str) -> str:
    """An example's text as it may stand in a prompt: one line, not too long, without placeholders or markers."""
    line = " ".join(re.sub(r"\{\{|\}\}|</?(?:prompt|known)-[^>\n]*>", " ", text).split())
    return line if len(line) <= _EXAMPLE_LENGTH else f"{line[:_EXAMPLE_LENGTH].rsplit(' ', 1)[0]} …"


def tight_format(labels: Sequence[tuple[str, str]], rng: Random) -> str:
    """One of some dozens of ways to ask for the bare label."""
    asked = f"{rng.choice(_ASKS)} {rng.choice(_ONES)}, {rng.choice(_BANS)}"
    return f"{asked}: {', '.join(name for name, _ in labels)}."


def _written(draft: Draft) -> str:
    listed = [_bullet(name, said, draft.cues.get(name, ())) for name, said in draft.labels]
    pairs = [f"Input: {example.input}\nLabel: {example.label}" for example in draft.examples]
    parts = [
        draft.opening,
        "\n".join(["Labels:", *listed]),
        draft.wording,
        "\n\n".join(["Worked examples:", *pairs]) if pairs else "",
        draft.closing,
    ]
    return "\n\n".join(part for part in parts if part)


def _bullet(name: str, said: str, cues: Sequence[str]) -> str:
    words = f"words such as {', '.join(cues)}" if cues else ""
    rest = "; ".join(part for part in (said, words) if part)
    return f"- {name}: {rest}" if rest else f"- {name}"


def _closing_start(prompt: str) -> int:
    """The start of the line with the last placeholder, with a heading such as "Message:" right before it."""
    gaps = [gap.start() for gap in PLACEHOLDER.finditer(prompt)]
    if not gaps:
        return len(prompt)
    start = prompt.rfind("\n", 0, gaps[-1]) + 1
    before = prompt.rfind("\n", 0, max(0, start - 1)) + 1
    heading = start > 0 and _FIELD_HEADING.fullmatch(prompt[before : start - 1].strip())
    return before if heading else start


def _is_format(line: str, names: dict[str, str]) -> bool:
    """A line about answering that names all labels, or asks for "a label" and names none of them."""
    plain = worded(line)
    named = sum(worded(name) in plain for name in names)
    asks = _NAMES_ALL.search(line) if named else _NAMES_NONE.match(line.strip())
    return len(names) > 1 and "{{" not in line and named in (0, len(names)) and bool(asks)


def _plain(bullet: Bullet | None) -> str:
    return _CUES.sub("", bullet.said).strip() if bullet else ""


def _cue_words(bullet: Bullet | None) -> tuple[str, ...]:
    found = _CUES.search(bullet.said) if bullet else None
    return tuple(word for word in (part.strip() for part in found["words"].split(",")) if word) if found else ()
