"""Replies that went wrong in every way that models and wires know, made by a seeded generator."""

from collections.abc import Callable
from random import Random

_SCRAPS = (
    "```json\n", "```", "\n", " ", "\u00a0", "\ufeff", "\u200b", '"', "'", "“", "„", "\\", "{", "}", "[", "]", ":", ",",
    ";", "|", "- ", "1. ", "**", "<think>", "</think>", "\x00", "\ud800", "\ufffd", "٣", "५", "三", "½", "²", "①", "π",
    "Answer: ", "Ответ: ", "#### ", "\\boxed{", "null", "NaN", "None", "\\u0041", "é", "e\u0301", "🙂", "// ", "/*",
)  # fmt: skip

Mutation = Callable[[str, Random], str]


def insert_scrap(text: str, random: Random) -> str:
    place = random.randint(0, len(text))
    return text[:place] + random.choice(_SCRAPS) + text[place:]


def cut_off(text: str, random: Random) -> str:
    return text[: random.randint(0, len(text))]


def drop_slice(text: str, random: Random) -> str:
    start = random.randint(0, len(text))
    return text[:start] + text[start + random.randint(1, 6) :]


def say_twice(text: str, random: Random) -> str:
    return text + random.choice(("", "\n", " ", ", ", "\n\n")) + text


def swap_halves(text: str, random: Random) -> str:
    place = random.randint(0, len(text))
    return text[place:] + text[:place]


def break_bytes(text: str, random: Random) -> str:
    """Some bytes of its UTF-8 lost or changed, then decoded with replacement, as a proxy does."""
    data = bytearray(text.encode("utf-8", "surrogatepass") or b"x")
    for _ in range(random.randint(1, 3)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data).decode("utf-8", "replace")


def quote_again(text: str, random: Random) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return random.choice((f'"{escaped}"', f'{{"reply": "{escaped}"}}', f"'{text}'", f"“{text}”"))


def fence(text: str, random: Random) -> str:
    return random.choice(("```json\n{}\n```", "```\n{}", "{}\n```", "~~~\n{}\n~~~", "```json {} ```\n```")).replace(
        "{}", text
    )


def other_digits(text: str, random: Random) -> str:
    zero = ord(random.choice("٠०০０๐"))
    return "".join(chr(zero + int(sign)) if sign in "0123456789" and random.random() < 0.7 else sign for sign in text)


def talk_around(text: str, random: Random) -> str:
    return random.choice(
        ("Sure! {}", "{} I hope this helps.", "I would say {}, but it could differ.", "Not {}.")
    ).replace("{}", text)


MUTATIONS: tuple[Mutation, ...] = (
    insert_scrap, insert_scrap, cut_off, drop_slice, say_twice, swap_halves, break_bytes, quote_again, fence,
    other_digits, talk_around,
)  # fmt: skip


def gone_wrong(text: str, random: Random) -> str:
    for _ in range(random.randint(1, 4)):
        text = random.choice(MUTATIONS)(text, random)
    return text
