"""The terminal that commands write to: names and texts stand there as they are, never read as rich's markup."""

import sys

from rich.console import Console


def terminal(width: int = 160, *, soft_wrap: bool = False) -> Console:
    """As wide as it is; where there is none, so wide that lines are not broken."""
    return Console(width=None if sys.stdout.isatty() else width, soft_wrap=soft_wrap, markup=False, highlight=False)


def errors() -> Console:
    return Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
