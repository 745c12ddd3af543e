"""Which labels a prompt allows, and what it says about each of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.practice.text_shapes import comparable, unquoted

_NOUNS = r"labels?|categor(?:y|ies)|class(?:es)?|options?|intents?|types?|метк\w*|категори\w*|класс\w*|вариант\w*"
_HEADING = re.compile(rf"^[ \t#*]*(?:[\w ]{{0,40}}\b)?(?:{_NOUNS})\b[^\n:]{{0,60}}:?[ \t*]*$", re.IGNORECASE)
_BULLET = re.compile(
    r"^[ \t]*(?:[-*•–]|\d+[.)])[ \t]+(?P<name>[^\n:=—–]{1,60}?)[ \t*]*(?:(?::|=|—|–| - )[ \t*]*(?P<said>[^\n]*))?$"
)
_LISTED = re.compile(
    rf"\b(?:one of|{_NOUNS}|answers?|words?|слов\w*|одн\w+ из)\b[^:\n]{{0,60}}:[ \t]*(?P<names>[^\n]+)$"
    r"|\b(?:one of|одн\w+ из)\b(?: the| these)?(?: labels| categories| classes)?[ \t]+(?P<bare>[^\n:]+)$",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(r"[\"'`«“‘]([^\"'`«»“”‘’\n]{1,60})[\"'`»”’]")
_EITHER = re.compile(
    r"\b(?:answer|reply|respond|say|return|either|whether|ответь\w*|отвечай)\b[^.\n]{0,40}?\b(\w+) (?:or|или) (\w+)",
    re.IGNORECASE,
)
_NOT_LABELS = re.compile(r"such as|for example|e\.g\.|words like|например|такие как", re.IGNORECASE)
_SEPARATORS = re.compile(r",|;|\||\bor\b|\band\b|\bили\b|\bи\b")


@dataclass(frozen=True)
class Bullet:
    """One `- name: what it says` line."""

    name: str
    said: str
    line: int


def bullets(lines: Sequence[str]) -> list[Bullet]:
    """Every bullet that could name a label, with its line number."""
    found = []
    for number, line in enumerate(lines):
        match = _BULLET.match(line)
        if match and unquoted(match["name"]) and len(match["name"].split()) <= 5:
            found.append(Bullet(unquoted(match["name"]), (match["said"] or "").strip(), number))
    return found


def find_labels(text: str, examples: Sequence[str]) -> tuple[str, ...]:
    """Label names in the order they are listed; `examples` are the labels of worked examples, the last resort."""
    lines = text.split("\n")
    listed = max(_listed(text), _quoted(lines), key=len)
    under = _under_heading(lines)
    if len(under) >= 2:
        shared = {comparable(name) for name in under} & {comparable(name) for name in listed}
        return _distinct([*under, *listed] if 2 * len(shared) >= len(listed) else under)
    for names in (listed, _in_a_row(lines), _either(text), list(examples)):
        if len(_distinct(names)) >= 2:
            return _distinct(names)
    return ()


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Without names that equal an earlier one."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(comparable(name), name)
    return tuple(first.values())


def _listed(text: str) -> list[str]:
    """The longest comma list after "one of", "labels:", "any other word:" and the like."""
    lists = [
        _split_names(match["names"] or match["bare"])
        for match in _LISTED.finditer(text)
        if not _NOT_LABELS.search(match.group()) and not _BULLET.match(_line_of(text, match.start()))
    ]
    return max(lists, key=len, default=[])


def _line_of(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]


def _split_names(listed: str) -> list[str]:
    sentence = re.split(r"\.(?:\s|$)", listed, maxsplit=1)[0]
    names = [unquoted(part) for part in _SEPARATORS.split(sentence)]
    names = [name for name in names if name]
    fit = len(names) >= 2 and all(len(name) <= 60 and len(name.split()) <= 4 for name in names)
    return names if fit else []


def _quoted(lines: Sequence[str]) -> list[str]:
    """Quoted names, where one line has two or more of them and nothing else in quotes."""
    lists = [[name.strip() for name in _QUOTED.findall(line)] for line in lines if not _NOT_LABELS.search(line)]
    return max(
        (names for names in lists if len(names) >= 2 and all(len(n.split()) <= 4 for n in names)), key=len, default=[]
    )


def _under_heading(lines: Sequence[str]) -> list[str]:
    """Bullets that directly follow a line such as "Labels:"; blank lines between do not matter."""
    by_line = {bullet.line: bullet.name for bullet in bullets(lines)}
    names: list[str] = []
    for number, line in enumerate(lines):
        if number in by_line or not _HEADING.match(line):
            continue
        at = number + 1
        while at < len(lines) and (at in by_line or not lines[at].strip()):
            names += [by_line[at]] if at in by_line else []
            at += 1
        if names:
            return names
    return names


def _in_a_row(lines: Sequence[str]) -> list[str]:
    """The longest run of short-named bullets."""
    best: list[str] = []
    run: list[str] = []
    last = -2
    for bullet in bullets(lines):
        fits = len(bullet.name.split()) <= 3
        run = [*(run if bullet.line == last + 1 else []), *([bullet.name] if fits else [])]
        last = bullet.line
        best = max(best, run, key=len)
    return best


def _either(text: str) -> list[str]:
    match = _EITHER.search(text)
    return list(match.groups()) if match else []
