"""Summaries and lists of facts, copied from the input sentence by sentence: what a simulated model writes freely.

Sentences that share most words with the rest matter most; which and how many are taken is up to the instructions, so
that clearer ones bring better texts. Nothing here understands what it copies.
"""

import re
from collections import Counter

from app.practice.overlaps import sentences, stems
from app.practice.worked import find_worked, without

_ASKS = re.compile(
    r"\bsummar(?:y|i[sz])|\bkey (?:points?|facts?)|\bmain (?:points?|ideas?|facts?)|\bgist\b|in your own words|\bretell"
    r"|\ba text that (?:says what|states every|fulfils)\b"
    r"|\b(?:list|state|extract|give|name|write|report)\b[^.\n]{0,40}\bfacts?\b"
    r"|перескаж|пересказ|излож|резюм|\bсуть\b|главн\w+ мысл|(?:перечисл|выпиш|назов|укаж)\w*[^.\n]{0,40}\bфакт",
    re.IGNORECASE,
)
_EVERYTHING = re.compile(
    r"\b(?:every|each|all)\b(?: of)?(?: the)?(?: (?!expected)\w+)? (?:facts?|details?|points?)|leave (?:out nothing|nothing out)|\bcomplete(?:ly)?\b"
    r"|кажд\w+(?: \w+)? (?:факт|детал)|все(?: \w+)? (?:факты|детали|подробности)|ничего не (?:пропус|упус)|полност",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\bfew words\b|\bbrief|\bshort|\bconcise|\b(?:one|a single) sentence|кратк|коротк|сжат|одн\w+ предложени",
    re.IGNORECASE,
)
_FACTS = re.compile(r"\bfacts\b|\bpoints\b|факты|фактов", re.IGNORECASE)
_SENTENCES = re.compile(
    r"\b(?P<count>\d|two|three|four|five|двум|двух|тр[её]х|трем|тр[её]мя|два|три) (?:sentences|предложени)", re.I
)
_WORDS = re.compile(
    r"\b(?:at most|no more than|up to|within|under|fewer than|не более|не больше|до) (?P<count>\d{1,3}) (?:words|слов)",
    re.I,
)
_LISTED = re.compile(
    r"\blist\b|\bbullet|(?:one|each|fact) (?:a|per|on its own) line|перечисл|списк|по одному", re.IGNORECASE
)
_FIGURES = re.compile(
    r"\bnumbers?\b|\bfigures?\b|\bdates?\b|\bamounts?\b|\bprices?\b|числ|цифр|\bдат|сумм|цен", re.IGNORECASE
)
_NAMES = re.compile(r"\bnames?\b|\bwho\b|\bpeople\b|имен|\bкто\b|\bкого\b|людей", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,] )[A-ZА-ЯЁ]\w+")
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "дв": 2, "тр": 3}
_ALL, _SOME, _USUAL = 12, 4, 2
_FIRST, _ASKED_FOR = 1.2, 1.5  # what it counts to come first, and to hold what the instructions ask for


def asked_for(instructions: str) -> bool:
    return _ASKS.search(_told(instructions)) is not None


def passage(instructions: str, text: str) -> str:
    """The sentences of the text that matter most, in their order; the text itself where it has none."""
    told, found = _told(instructions), sentences(text)
    weights = _weights(told, found)
    kept = sorted(sorted(range(len(found)), key=lambda at: -weights[at])[: _how_many(told)])
    most = int(match["count"]) if (match := _WORDS.search(told)) else None
    if _LISTED.search(told):
        return "\n".join(f"- {found[at]}" for at in kept)
    return " ".join(" ".join(found[at] for at in kept).split()[:most]) or text.strip()


def _told(instructions: str) -> str:
    return without(instructions, find_worked(instructions))


def _how_many(told: str) -> int:
    if match := _SENTENCES.search(told):
        count = match["count"].casefold()
        return int(count) if count.isdigit() else _COUNTS.get(count) or _COUNTS[count[:2]]
    if _EVERYTHING.search(told):
        return _ALL
    if _SHORT.search(told):
        return 1
    return _SOME if _FACTS.search(told) else _USUAL


def _weights(told: str, found: list[str]) -> list[float]:
    """By how often its words are said at all, for its length; the first sentence leads."""
    said = Counter(stem for one in found for stem in set(stems(one)))
    weights = []
    for at, one in enumerate(found):
        words = set(stems(one))
        weight = sum(said[word] for word in words) / (1 + len(words) ** 0.5)
        weight *= _FIRST if at == 0 else 1.0
        weight *= _ASKED_FOR if _FIGURES.search(told) and re.search(r"\d", one) else 1.0
        weight *= _ASKED_FOR if _NAMES.search(told) and _NAME.search(one) else 1.0
        weights.append(weight)
    return weights
