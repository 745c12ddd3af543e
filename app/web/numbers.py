"""Whole numbers from outside: none that a database could not hold."""

from typing import Annotated

from pydantic import Field

LARGEST = 2**31 - 1
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
