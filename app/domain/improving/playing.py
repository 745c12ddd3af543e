"""Plays an improver against whoever answers its asks: the shell, or a test."""

from collections.abc import Callable, Generator
from typing import TypeVar

from app.domain.improving.asks import Answer, Ask

Result = TypeVar("Result")


def play(improver: Generator[Ask, Answer, Result], answer: Callable[[Ask], Answer]) -> Result:
    """Send an answer to every ask until the improver ends; its result."""
    try:
        ask = next(improver)
        while True:
            ask = improver.send(answer(ask))
    except StopIteration as end:
        result: Result = end.value
        return result
