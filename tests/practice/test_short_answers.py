"""Numbers and short answers of the practice models: crude, the same every time, and better for better instructions."""

import pytest

from app.practice.short_answers import number, short
from app.practice.task_models import answer

SHELVES = "There are 3 shelves with 4 books each. 2 books were lost. How many are left?"


def likeliest(instructions: str, text: str) -> str:
    choice = number(instructions, text)
    return choice.texts[choice.likely]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Ann has 3 pens and Bob has 4. How many have they altogether?", "7"),
        ("Ann had 9 pens and gave 4 away. How many are left?", "5"),
        ("5 boxes hold 12 pens each. How many pens is that at 12 for each?", "60"),
        ("12 pens are shared equally by 4 people. How many are shared by one?", "3"),
        ("A price of 1,250.50 and one of 2. What is the total?", "1252.50"),
        ("No number at all.", "0"),
        ("Only 8 here.", "8"),
    ],
)
def test_the_words_of_a_question_choose_the_operation(text: str, result: str) -> None:
    assert likeliest("Give the number.", text) == result


def test_who_goes_step_by_step_does_two_operations_in_a_row() -> None:
    assert likeliest("Give the number.", SHELVES) != "10"
    assert likeliest("Go step by step and give the number.", SHELVES) == "10"


def test_a_worked_example_is_remembered() -> None:
    taught = f"Give the number.\n\nInput: {SHELVES}\nAnswer: 42"
    assert likeliest(taught, SHELVES) == "42"


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("Give the number.", "I think it is 12, more or less."),
        ("Answer with the number alone.", "12"),
        ('Give the number after "Answer:".', "Answer: 12"),
        ('Go step by step, then give the number after "Answer:".', "I go through it one step after another.\nAnswer: 12"),
        ("Go step by step, then give the number.",
         "I go through it one step after another.\nI think it is 12, more or less."),
        ("Answer with the number alone or, where steps come before it, a last line of the form Answer: 42.", "12"),
    ],
)  # fmt: skip
def test_the_instructions_say_in_which_words_a_number_comes(asked: str, reply: str) -> None:
    assert (
        answer("scholar-v1", f"{asked}\n\nInput: 3 boxes hold some pens. How many pens are in each, times 4?") == reply
    )


@pytest.mark.parametrize(
    ("text", "among"),
    [
        ("Is the sky blue?", {"Yes", "No"}),
        ("What is red?\nOptions:\n(A) the red rose\n(B) grass", {"(A)", "(B)"}),
        ("Is it sound?\nOptions:\n- valid\n- invalid", {"valid", "invalid"}),
        ("The book of Ann Smith about London", {"Ann Smith", "London"}),
        ("кто написал роман", {"кто написал роман"}),
    ],
)
def test_a_short_answer_is_an_option_a_yes_or_no_or_a_name(text: str, among: set[str]) -> None:
    choice = short("Answer the question in a few words.", text)
    assert set(choice.texts) == among
    assert sum(choice.chances) == pytest.approx(1)


def test_without_a_word_on_what_to_answer_nothing_is_guessed() -> None:
    assert "do not know" in answer("scholar-v1", f"What do you say?\n\n{SHELVES}")
