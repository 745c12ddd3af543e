"""Which simulated models there are, the role each plays and its habit in one line."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Practice:
    """One simulated model; the version in its name is raised whenever its answers change."""

    name: str
    role: Literal["task", "generator", "judge", "embedder"]
    about: str


CATALOGUE = (
    Practice(
        "scholar-v1", "task", "Reads the whole prompt, down to pieces of words; learns well from worked examples."
    ),
    Practice("skimmer-v1", "task", "Reads the first 1,500 characters of the instructions, and whole words only."),
    Practice(
        "chatterbox-v1", "task", "Reads the whole prompt; chatters around its answer unless told to give it alone."
    ),
    Practice("exemplar-v1", "generator", "Adds worked examples for the labels that are mixed up."),
    Practice("describer-v1", "generator", "Describes every label by the words that tell it from the others."),
    Practice("trimmer-v1", "generator", "Tightens the answer format and drops what is said twice."),
    Practice("combiner-v1", "generator", "Puts the two best prompts together."),
    Practice("trickster-v1", "generator", "Often breaks the rules of the block, as real models do now and then."),
    Practice("judge-v1", "judge", "Judges answers by the words they share with facts, references and tasks."),
    Practice("embedder-v1", "embedder", "Compares texts by their words and pieces of words; it knows no meaning."),
)
BY_NAME = {practice.name: practice for practice in CATALOGUE}
