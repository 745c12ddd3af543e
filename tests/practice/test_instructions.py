"""What is taken out of instructions: labels, worked examples, descriptions and the answer format."""

import pytest

from app.practice.labels import find_labels
from app.practice.reading import read_instructions
from app.practice.worked import find_worked

SPAM_HAM = ("spam", "ham")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Labels:\n- spam: sells something\n- ham", SPAM_HAM),
        ("## Categories\n\n* **spam** — sells something\n* **ham** — anything else", SPAM_HAM),
        ("The possible labels are:\n1. spam\n2. ham\n\nRules:\n- Be quick: do not think", SPAM_HAM),
        ("Answer with one label alone, without any other word: spam, ham.", SPAM_HAM),
        ("Answer with one of spam, ham. Do not explain, hesitate, or argue.", SPAM_HAM),
        ("Метки:\n- спам: реклама\n- не спам", ("спам", "не спам")),
        ("Выбери одну из категорий: спам, не спам", ("спам", "не спам")),
        ("Is it 'spam' or 'ham'?", SPAM_HAM),
        ("Answer spam or ham.", SPAM_HAM),
        ("- spam: words such as win, free, prize\n- ham: words such as noon, lunch, mum", SPAM_HAM),
        ("Tell me what you think.", ()),
        ("Labels:\n- Spam\n- spam\n- ham", ("Spam", "ham")),
    ],
)
def test_labels_are_found_in_many_forms(text: str, labels: tuple[str, ...]) -> None:
    assert find_labels(text, []) == labels


def test_labels_of_worked_examples_are_the_last_resort() -> None:
    assert find_labels("Look at these.", ["spam", "ham", "spam"]) == SPAM_HAM
    assert find_labels("Labels:\n- yes\n- no", ["spam", "ham"]) == ("yes", "no")


@pytest.mark.parametrize(
    "text",
    [
        "Input: win now\nLabel: spam\n\nInput: see you\nat noon\nLabel: ham",
        "Text: win now\nAnswer: spam.\nText: see you\nat noon\nAnswer: 'ham'",
        '{"input": "win now", "expected": "spam"}\n{"input": "see you\\nat noon", "label": "ham"}',
    ],
)
def test_worked_examples_are_found_as_pairs_and_json_lines(text: str) -> None:
    assert [(example.input, example.label) for example in find_worked(text)] == [
        ("win now", "spam"),
        ("see you\nat noon", "ham"),
    ]


@pytest.mark.parametrize("line", ['"win now" -> spam', "- win now => spam", "1. win now → spam"])
def test_worked_examples_are_found_as_arrows(line: str) -> None:
    assert [(example.input, example.label) for example in find_worked(f"Look:\n{line}\nGood luck.")] == [
        ("win now", "spam")
    ]


@pytest.mark.parametrize(
    ("sentence", "alone"),
    [
        ("Answer with the label alone, without any other word.", True),
        ("Reply with only the label.", True),
        ("Give the label and nothing else.", True),
        ("Ответь только меткой.", True),
        ("Answer with one of these labels, exactly as it is written above.", False),
        ("Only messages in English occur.", False),
    ],
)
def test_a_bare_label_is_wanted_only_when_it_is_said_about_the_answer(sentence: str, alone: bool) -> None:
    assert read_instructions(f"Labels:\n- spam\n- ham\n\n{sentence}").label_alone is alone


def test_descriptions_rules_and_keywords_become_documents_of_their_label() -> None:
    reading = read_instructions(
        "Labels:\n- spam: sells; words such as prize, cash\n- ham\n\nA question about lunch is ham. Spam or ham?"
    )
    about = {(reading.labels[document.label], document.text.strip()) for document in reading.documents}
    assert about == {
        ("spam", "spam"),
        ("ham", "ham"),
        ("spam", "sells; words such as prize, cash"),
        ("spam", "prize"),
        ("spam", "cash"),
        ("ham", "A question about lunch is ham"),
    }
