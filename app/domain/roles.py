"""The parts that language models play: which answer prompts, write them, judge answers, or give embeddings."""

from typing import Literal, get_args

from app.errors import Invalid, Problem

Role = Literal["", "task", "generator", "judge", "embedder"]
Part = Literal["task", "generator", "judge", "embedder"]
ROLES: tuple[Role, ...] = get_args(Role)
PARTS: tuple[Part, ...] = get_args(Part)
DOES = {
    "": "answers, writes or judges",
    "task": "answers prompts",
    "generator": "writes prompts",
    "judge": "judges answers",
    "embedder": "gives embeddings",
}
_TO_DO = {
    "task": "answer prompts",
    "generator": "write prompts",
    "judge": "judge answers",
    "embedder": "give embeddings",
}


def checked(role: str) -> str:
    """The same role. Raises Invalid naming the field."""
    if role not in ROLES:
        said = ", ".join(f"{name or 'nothing'} ({DOES[name]})" for name in ROLES)
        raise Invalid([Problem(f"must be one of {said}", "role")])
    return role


def parts_of(role: str) -> frozenset[str]:
    """A role is one part; without one, a model plays every part that takes chat completions."""
    return frozenset({role} if role else PARTS[:-1])


def plays(role: str, part: Part) -> bool:
    return part in parts_of(role)


def why_not(name: str, role: str, part: Part) -> str:
    """Why the model of this name cannot be taken for a part; an empty string when it can."""
    if plays(role, part):
        return ""
    return f"{name} {DOES[role]}, so it cannot {_TO_DO[part]}; choose another model, or change its role on its page"


def can_stand_in(role: str, for_role: str) -> bool:
    """Whether a model may answer instead of another: it must play every part that the other does.

    Nothing stands in for an embedder, as another one's embeddings mean another likeness.
    """
    return for_role != "embedder" and parts_of(for_role) <= parts_of(role)


def suggested(name: str) -> Role:
    """The role that a model's name speaks for."""
    return "embedder" if "embed" in name.casefold() else ""
