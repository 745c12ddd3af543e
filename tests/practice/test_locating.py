"""Where the example stands in prompts of many forms."""

import pytest

from app.practice.locating import locate

INSTRUCTIONS = "Choose spam or ham."
PAIRS = "Input: win a prize\nLabel: spam\n\nInput: see you at noon\nLabel: ham"


@pytest.mark.parametrize(
    ("prompt", "example"),
    [
        (f"{INSTRUCTIONS}\n\nInput: free money\nLabel:", "free money"),
        (f"{INSTRUCTIONS}\n\n{PAIRS}\n\nInput: free money\nLabel:", "free money"),
        (f"{INSTRUCTIONS}\n\n{PAIRS}\n\nMessage: free money\nAnswer:", "free money"),
        (f"{INSTRUCTIONS}\n\nMessage:\nfree\n\nmoney\n\nYour answer:", "free\n\nmoney"),
        (f"{INSTRUCTIONS}\n\nInput: the text: free\nMessage: money\nLabel:", "the text: free\nMessage: money"),
        (f"{INSTRUCTIONS}\n\nText: free money\n\nAnswer with one label.", "free money"),
        (f"{INSTRUCTIONS}\n\n**Input:** free money\n\n**Label:**", "free money"),
        (f"{INSTRUCTIONS}\n\n<message>\nfree money\n</message>", "free money"),
        (f'{INSTRUCTIONS}\n\n"""\nfree money\n"""\nLabel:', "free money"),
        (f"{INSTRUCTIONS}\n\nfree money", "free money"),
        (f"{INSTRUCTIONS}\n\nfree money\n\nReply with the label only.", "free money"),
        ("Это спам?\n\nСообщение: деньги даром\nОтвет:", "деньги даром"),
        ("free money", "free money"),
        ("", ""),
    ],
)
def test_the_example_is_found_in_many_forms_of_prompts(prompt: str, example: str) -> None:
    assert locate(prompt).example == example


def test_two_examples_of_one_prompt_leave_the_same_instructions() -> None:
    first, second = (locate(f"{INSTRUCTIONS}\n\n{PAIRS}\n\nInput: {text}\nLabel:") for text in ("one", "two\nlines"))
    assert first.instructions == second.instructions
    assert "win a prize" in first.instructions
