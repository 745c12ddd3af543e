"""Where in a rendered prompt the example stands: a practice model never sees the placeholder."""

import re
from dataclasses import dataclass

from app.practice.fields import CUE, INPUT_LINES, PAIR

_CUE_LENGTH = 60
_WRAPPED = (
    re.compile(r"<(input|text|message|query|example|document)>(?P<text>.*)</\1>", re.DOTALL | re.IGNORECASE),
    re.compile(r'(?P<mark>"""|```|\'\'\')(?P<text>.*?)(?P=mark)\s*(?:\n[^\n]{0,200})?\s*$', re.DOTALL),
)
_LAST_WORDS = re.compile(
    r"(?:now |please )?(?:answer|reply|respond|return|output|give|write|classify|label|choose|ответь|отвечай|выбери)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Located:
    """One rendered prompt, cut into what its author wrote and the example filled into it."""

    instructions: str
    example: str


def locate(prompt: str) -> Located:
    """Cut out the last field called input (or message, text, ...), else a wrapped text, else the last paragraph."""
    text = prompt.rstrip()
    cue = CUE.search(text, max(0, len(text) - _CUE_LENGTH))
    end = cue.start() if cue else len(text)
    start = _field(text, end)
    if start is not None:
        return _cut(text, start, end if cue else _before_last_words(text, start, end))
    for pattern in _WRAPPED:
        wrapped = pattern.search(text)
        if wrapped:
            return _cut(text, *wrapped.span("text"))
    end = end if cue else _before_last_words(text, 0, end)
    return _cut(text, _last_paragraph(text, end), end)


def _cut(text: str, start: int, end: int) -> Located:
    return Located(f"{text[:start].rstrip()}\n{text[end:].strip()}".strip(), text[start:end].strip())


def _field(text: str, end: int) -> int | None:
    """Where the text of the last input field starts that is no worked example; names are tried in their order."""
    for line in INPUT_LINES.values():
        for head in reversed(list(line.finditer(text, 0, end))):
            if not PAIR.match(text, head.start(), end):
                return head.end()
    return None


def _before_last_words(text: str, start: int, end: int) -> int:
    """Closing paragraphs such as "Answer with one label." belong to the author, not to the example."""
    while True:
        gap = text.rfind("\n\n", start, end)
        if gap < 0 or not text[start:gap].strip() or not _LAST_WORDS.match(text[gap:end].strip()):
            return end
        end = gap


def _last_paragraph(text: str, end: int) -> int:
    gap = text.rfind("\n\n", 0, end)
    return gap + 2 if gap >= 0 else text.rfind("\n", 0, end) + 1
