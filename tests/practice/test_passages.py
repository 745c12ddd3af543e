"""Summaries and lists of facts by the practice models: copied sentences, and better ones for better instructions."""

import json

import pytest

from app.practice.embeddings import vector
from app.practice.forms import read_form
from app.practice.grader import judged
from app.practice.overlaps import sentences, stems
from app.practice.passages import asked_for, passage
from app.practice.task_models import answer, likeliest, reply

ENGLISH = """Anna: Did you hear that the meeting was moved to Tuesday 14 May?
Ben: No. Where is it?
Anna: The meeting is in the new office on Baker Street. I will bring the contract.
Ben: Great. I will ask Carla to order lunch for 12 people.
Anna: It rained all morning here.
Ben: The meeting will take two hours, said Carla."""
FACTS = (
    "The meeting was moved to Tuesday 14 May",
    "The meeting is in the new office on Baker Street",
    "Anna will bring the contract",
    "Carla will order lunch for 12 people",
)
RUSSIAN = """Анна: Встречу перенесли на вторник, 14 мая.
Борис: Хорошо. А где будет встреча?
Анна: Встреча будет в новом офисе на Садовой. Я принесу договор.
Борис: Попрошу Карину заказать обед на 12 человек.
Анна: Тут всё утро шёл дождь."""
FACTS_RU = (
    "Встречу перенесли на вторник 14 мая",
    "Встреча в новом офисе на Садовой",
    "Карина закажет обед на 12 человек",
)


def written(instructions: str, text: str, name: str = "scholar-v1") -> str:
    return answer(name, f"{instructions}\n\nInput: {text}")


def share_stated(facts: tuple[str, ...], text: str) -> float:
    """As the practice judge finds them."""
    listed = "\n".join(f"{at}. {fact}" for at, fact in enumerate(facts, 1))
    fields = "\n".join(f'- "fact_{at}": true or false' for at in range(1, len(facts) + 1))
    prompt = f"<facts>\n{listed}\n</facts>\n\n<answer>\n{text}\n</answer>\n\nReply with JSON:\n{fields}"
    found: dict[str, bool] = json.loads(judged(prompt, None))
    return sum(found.values()) / len(facts)


@pytest.mark.parametrize(
    ("text", "facts", "prompts"),
    [
        (ENGLISH, FACTS, ("Summarise the conversation in a few words.", "Summarise the conversation: numbers, dates.",
                          "Summarise the conversation. State every fact.")),
        (RUSSIAN, FACTS_RU, ("Кратко перескажи разговор.", "Перескажи разговор: числа, даты.", "Перескажи разговор, все факты.")),
    ],
)  # fmt: skip
def test_the_more_clearly_facts_are_asked_for_the_more_of_them_are_stated(
    text: str, facts: tuple[str, ...], prompts: tuple[str, ...]
) -> None:
    grades = [share_stated(facts, written(prompt, text)) for prompt in prompts]
    assert grades[0] < grades[1] < grades[2]
    assert grades[2] >= 0.75


@pytest.mark.parametrize(("text", "asked"), [(ENGLISH, "Summarise it"), (RUSSIAN, "Перескажи разговор")])
def test_a_short_summary_is_nearer_to_a_short_reference(text: str, asked: str) -> None:
    reference = vector(" ".join(sentences(text)[0].split()[1:]))
    short = "Кратко, одним предложением." if text == RUSSIAN else "One sentence."
    near = [
        sum(a * b for a, b in zip(vector(written(prompt, text)), reference, strict=True))
        for prompt in (f"{asked}. {short}", f"{asked}. {'Все подробности' if text == RUSSIAN else 'All the details'}.")
    ]
    assert near[0] > near[1] + 0.1


@pytest.mark.parametrize(
    ("instructions", "count"),
    [
        ("Summarise it.", 2),
        ("Summarise it briefly.", 1),
        ("Summarize it in three sentences.", 3),
        ("Summarise it in 4 sentences.", 4),
        ("Give the main facts.", 4),
        ("Answer with a text that states every expected fact.", 2),
        ("Answer with a text that says what the expected answer says.", 2),
        ("Summarise it. Leave out nothing.", 9),
        ("Перескажи тремя предложениями.", 3),
        ("Изложи кратко.", 1),
        ("Назови все факты.", 9),
    ],
)
def test_the_instructions_say_how_much_is_written(instructions: str, count: int) -> None:
    assert asked_for(instructions)
    assert len(sentences(passage(instructions, ENGLISH))) == count


def test_limits_of_words_and_lists_are_kept() -> None:
    assert len(passage("Summarise it in at most 7 words.", ENGLISH).split()) == 7
    lines = passage("List every fact.", ENGLISH).split("\n")
    assert len(lines) == 9
    assert all(line.startswith("- ") for line in lines)


def test_what_is_asked_for_by_name_comes_first() -> None:
    assert "12 people" not in passage("Summarise it.", ENGLISH)
    assert "12 people" in passage("Summarise it. Numbers count most.", ENGLISH)


@pytest.mark.parametrize("text", ["", "   ", "word", "\n\n\n", "…", "日本語。"])
def test_of_nearly_nothing_nearly_nothing_is_written(text: str) -> None:
    assert passage("Summarise it.", text) == text.strip()


@pytest.mark.parametrize(
    "instructions",
    ["Answer the question in a few words.", "Give the number. In fact, only the number.", "Кратко ответь на вопрос."],
)
def test_other_jobs_are_not_taken_for_summaries(instructions: str) -> None:
    assert not asked_for(instructions)


def test_models_differ_in_what_they_read_and_how_they_begin() -> None:
    long = f"{'It rained again and nobody came. ' * 20}\n{ENGLISH}"
    told = "Summarise it. State every fact."
    assert share_stated(FACTS, written(told, long, "skimmer-v1")) < share_stated(FACTS, written(told, ENGLISH))
    assert written(told, ENGLISH, "chatterbox-v1").startswith("Sure, here it is:\n")
    assert answer("chatterbox-v1", f"{told}\n\nInput: {ENGLISH}\nAnswer:") == written(told, ENGLISH)


def test_a_field_of_a_form_can_hold_a_summary() -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}}
    form = read_form({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})
    steps = reply("scholar-v1", f"Summarise it briefly.\n\nInput: {ENGLISH}", form, likeliest)
    assert json.loads("".join(step.text for step in steps)) == {"summary": passage("Summarise it briefly.", ENGLISH)}


def test_forms_of_a_word_are_alike_in_both_languages() -> None:
    assert stems("The parcels arrived") == stems("a parcel arriving")
    assert stems("договоры и договора") == stems("договор, договору")
    assert stems("14 of 140") == ("14", "140")
