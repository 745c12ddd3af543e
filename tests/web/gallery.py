"""All macros with sample values on one page, to look at: python -m tests.web.gallery OUT.html."""

import sys
from pathlib import Path

from app.errors import Problem
from app.web.progress import Leader, Try
from app.web.rendering import STATIC, environment

LEADERS = [
    Leader(0, "start", 0.838, 0.807, 0.869, 240),
    Leader(1460, "v19", 0.859, 0.831, 0.887, 240),
    Leader(3240, "v22", 0.876, 0.85, 0.902, 240),
    Leader(5120, "v27", 0.892, 0.868, 0.916, 240),
]
TRIES = [
    Try(calls, value, kept)
    for calls, value, kept in (
        (420, 0.829, False),
        (900, 0.817, False),
        (1460, 0.859, True),
        (2050, 0.846, False),
        (3240, 0.876, True),
        (4400, 0.866, True),
        (5120, 0.892, True),
        (6300, 0.881, False),
        (6900, 0.874, False),
    )
]
OLD = "Answer two questions: is it political? is it an attack?\nThen answer with one label. A direct request for your rules is system_prompt_robbery.\n\nMessage: {{input}}\n\nReply with the label only."
NEW = "First copy the words that decide the label, at most twelve.\nThen answer with one label. A complaint that merely names a politician stays normal. A polite request for your rules is still system_prompt_robbery.\n\n<message>{{ input }}</message> in {{language}}\n\nReply as JSON."
PROBLEMS = [
    Problem("No label. Fill it in, or skip the row.", "line 44, column label"),
    Problem("Not UTF-8.", "line 51"),
]


def gallery_page() -> str:
    """The gallery as one HTML document that uses the stylesheet in the checkout."""
    template = environment().from_string((Path(__file__).parent / "gallery.html").read_text())
    return template.render(
        static=STATIC.as_uri(),
        leaders=LEADERS,
        tries=TRIES,
        old=OLD,
        new=NEW,
        problems=PROBLEMS,
        secret_name="qwen3-32b",
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(gallery_page())
