"""Figures beside their bars: a table for people, JSON for machines, and whether every bar is met."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """What was found, and the bar: at least, at most, both, or neither (then it is only reported)."""

    name: str
    value: float
    unit: str = "%"
    least: float | None = None
    most: float | None = None
    decimals: int = 1

    @property
    def met(self) -> bool:
        above = self.least is None or self.value >= self.least
        return bool(above and (self.most is None or self.value <= self.most))

    @property
    def bar(self) -> str:
        """The bar in words; empty without one."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        if self.least is not None:
            return f"at least {self.least:g}"
        return "" if self.most is None else f"at most {self.most:g}"

    @property
    def row(self) -> str:
        met = ("yes" if self.met else "NO") if self.bar else ""
        return f"| {self.name} | {self.value:.{self.decimals}f} {self.unit} | {self.bar} | {met} |"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table, and under it the bars that are missed."""
    missed = [f"MISSED {one.name}: {one.value:g} {one.unit}, asked: {one.bar}" for one in figures if not one.met]
    rows = ["| figure | found | bar | met |", "| --- | --: | --- | --- |", *(one.row for one in figures)]
    return "\n".join([*rows, "", *(missed or ["Every bar is met."])])


def write(figures: Sequence[Figure], path: Path) -> None:
    """The figures with their bars as JSON."""
    told = [vars(one) | {"met": one.met} for one in figures]
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")
