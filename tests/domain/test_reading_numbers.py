"""Written numbers, the final answer of a reply, and the tolerance."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answerspace import Answers, Numbers
from app.domain.formats import PLAIN, AnswerFormat
from app.domain.readers.quantities import the_number, written_plainly
from app.domain.readers.reading import read
from app.domain.readers.readings import Unreadable
from app.errors import Invalid
from tests.domain.answer_kinds import NUMBER

JSON = AnswerFormat("json")
WRITTEN = {
    "18": "18",
    "+18": "18",
    "-18": "-18",
    "−18": "-18",
    "18.": "18",
    "18.50": "18.5",
    ".5": "0.5",
    "007": "7",
    "1,234": "1234",
    "1,234.5": "1234.5",
    "1,234,567": "1234567",
    "1 234,5": "1234.5",
    "1\u00a0234\u202f567": "1234567",
    "1'234.5": "1234.5",
    "1.234,50": "1234.5",
    "1.234.567": "1234567",
    "3,5": "3.5",
    "1.234": "1.234",
    "0,125": "0.125",
    "$18": "18",
    "-$18": "-18",
    "$-18": "-18",
    "18 $": "18",
    "US$ 1,000": "1000",
    "€5": "5",
    "5 ₽": "5",
    "5 руб.": "5",
    "1 500 рублей": "1500",
    "18%": "18",
    "18 percent": "18",
    "18 dollars per day": "18",
    "60 km/h": "60",
    "25 m²": "25",
    "5°C": "5",
    "1.5e3": "1500",
    "1.5E-3": "0.0015",
    "1.5×10^3": "1500",
    "1.5 x 10^3": "1500",
    "10⁶": "1000000",
    "10²": "100",
    "5 million": "5000000",
    "2.5 млн руб.": "2500000",
    "3 тыс.": "3000",
    "x = 18": "18",
    "= 18": "18",
    "**18**": "18",
    "`18`": "18",
    '"18"': "18",
    "**18** apples": "18",
    "\\(18\\)": "18",
    "$18$": "18",
    "\\$18": "18",
    "18\\%": "18",
    "18\\text{ apples}": "18",
    "1{,}234": "1234",
    "１８": "18",
    "𝟙𝟠": "18",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    assert the_number(text, Numbers()) == Decimal(WRITTEN[text])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "many", "eighteen", "5 or 6", "5-6", "5 and a half", "half", "5 half", "two", "1/2", "5 1/2",
        "5:30", "2024-01-02", "5, 6", "5 6", "1,23,456", "1.2.3", "1,2,3", "12 345 6", "1,234.567.8", "12²", "2^3",
        "2**3", "5²", "½", "②", "٣", "٣5", "5٣", "५", "三", "5 三", "<5", ">5", "≥5", "~", "not 5", "5 not", "5 wrong",
        "5 dozen", "5k", "5 k", "$5M", "$5m", "5bn", "5 pairs", "0x12", "1e", "1e5e5", "- 5", "--5", "(5)", "5)", "5*6",
        "5 + 6", "5 six", "5 или", "5 apples 6", "step 5", "5 a b c d e", "1e401", "1e99999", "10^9999", "NaN", "inf",
        "5" * 300, "\\(1\\)\\(2\\)", "**1** **200**", "5\n600", "x5", "#5", "5 e", "5;", "5%5",
    ],
)  # fmt: skip
def test_what_is_not_one_number_is_not_read(text: str) -> None:
    with pytest.raises(Unreadable):
        the_number(text, Numbers())


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [("1,234", "1234", "1.234"), ("1.234", "1.234", "1234"), ("0,234", "0.234", "0.234"), ("1,5", "1.5", "1.5")],
)
def test_a_mark_before_three_digits_means_what_the_project_says(text: str, point: str, comma: str) -> None:
    assert the_number(text, Numbers()) == Decimal(point)
    assert the_number(text, Numbers(comma=True)) == Decimal(comma)


def test_percent_may_be_read_as_a_share() -> None:
    assert the_number("18.5 %", Numbers(percent_as_share=True)) == Decimal("0.185")
    assert the_number("18.5", Numbers(percent_as_share=True)) == Decimal("18.5")


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("18", "18"),
        ("The answer is $18.", "18"),
        ("First 16 - 3 - 4 = 9, then 9 * 2 = 18.\n#### 18", "18"),
        ("#### $1,450,000", "1450000"),
        ("Half of 36.\n\nAnswer: 18", "18"),
        ("**Final answer:** 18 dollars", "18"),
        ("Answer:\n18", "18"),
        ("9 * 2 = 18\n**Answer**: **18**", "18"),
        ("9·2=18\nОтвет: 18 рублей", "18"),
        ("Ответ — 18", "18"),
        (r"So we get $\boxed{18}$.", "18"),
        (r"Final answer: $\boxed{\text{18}}$", "18"),
        ("So the answer is 18. She sells 9 eggs.", "18"),
        ("Answer: 18\nExplanation: 9 * 2", "18"),
        ("#### Step 1\nThe answer is 18.", "18"),
        ("Answer: let us see.\nAnswer: 18", "18"),
        ("The answer is 18.\n#### 18.0", "18"),
        ("The answer is -3", "-3"),
        ("Final Answer: The final answer is $18$. I hope it is correct.", "18"),
        (r"\boxed{18 \text{ dollars}}", "18"),
        ("9·2=18. Таким образом, ответ: 18", "18"),
        ("\ufeff18", "18"),
        ("The answer is 17. No wait. The answer is 18.", None),
        ("5 Millionen", None),
        ("", None),
        ("I do not know", None),
        ("9 * 2 = 18", None),
        ("She makes $18 every day at the market.", None),
        ("16 eggs, 3 eaten, 18 dollars", None),
        ("The answer is 18 or 20", None),
        ("The answer is not 18", None),
        ("The wrong answer is 18", None),
        ("Неправильный ответ: 18", None),
        ("The answer is 18.\n#### 20", None),
        (r"\boxed{18} or \boxed{20}", None),
        (r"\boxed{\frac{36}{2}}", None),
        ("#### 18\nAnswer: unknown", None),
        ("Answer: 5 руб. 20 коп.", None),
        ("Answer: 3 + 15 = 18", None),
        ("I cannot answer question 18", None),
        ("Answer: ٣", None),
        ("####", None),
    ],
)
def test_the_final_answer_is_read_where_it_is_marked_and_nowhere_else(reply: str, value: str | None) -> None:
    reading = read(reply, NUMBER, PLAIN, "18")
    assert reading.value == (value or "")
    assert reading.code == (-1 if value is None else int(value != "18"))
    assert reading.score == (None if value is None else float(value == "18"))


def test_several_numbers_without_a_mark_have_their_reason() -> None:
    why = read("16 eggs less 7 eggs makes 9 eggs", NUMBER, PLAIN, "9").why
    assert why == "the reply holds several numbers and marks none as its final answer"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ('{"answer": 18}', 0),
        ('{"answer": 18.0}', 0),
        ('{"answer": 1.8e1}', 0),
        ('{"answer": "$18"}', 0),
        ('9 * 2\n```json\n{"answer": 18}\n```', 0),
        ('{"answer": 17}', 1),
        ('{"answer": true}', -1),
        ('{"answer": null}', -1),
        ('{"answer": "18 or 20"}', -1),
        ('{"answer": 1e999}', -1),
        ('{"result": 18}', -1),
        ("18", -1),
    ],
)
def test_a_number_is_read_from_json(reply: str, code: int) -> None:
    assert read(reply, NUMBER, JSON, "18").code == code


@pytest.mark.parametrize(
    ("tolerance", "relative", "reference", "reply", "right"),
    [
        ("0", False, "0.1", "0.10", True),
        ("0", False, "0.3", "0.30000000000000004", False),
        ("0.01", False, "3.14", "3.15", True),
        ("0.01", False, "3.14", "3.1501", False),
        ("0.01", True, "-200", "-202", True),
        ("0.01", True, "-200", "-202.1", False),
        ("0.01", True, "0", "0.001", False),
    ],
)
def test_numbers_are_compared_exactly_within_the_tolerance(
    tolerance: str, relative: bool, reference: str, reply: str, right: bool
) -> None:
    answers = Answers("number", numbers=Numbers(tolerance, relative))
    assert read(reply, answers, PLAIN, reference).score == float(right)


@pytest.mark.parametrize("reference", [None, "", "some"])
def test_a_reference_that_is_no_number_is_an_error_of_the_set(reference: str | None) -> None:
    with pytest.raises(Invalid, match="the reference is no number"):
        read("5", NUMBER, PLAIN, reference)


numbers = st.decimals(min_value=-(10**9), max_value=10**9, places=3)


@given(number=numbers, comma=st.booleans())
def test_every_number_is_read_back_as_it_is_written_in_either_manner(number: Decimal, comma: bool) -> None:
    options = Numbers(comma=comma)
    written = f"{number:,.2f}" if not comma else f"{number:,.2f}".translate(str.maketrans(",.", ".,"))
    rounded = Decimal(f"{number:.2f}")
    assert the_number(written, options) == rounded
    assert the_number(f"{number:,.2f}".replace(",", " "), options) == rounded
    assert the_number(written_plainly(rounded), Numbers()) == rounded


@given(number=numbers, other=numbers)
def test_two_marked_numbers_are_right_only_when_they_are_the_same(number: Decimal, other: Decimal) -> None:
    reply = f"Answer: {number}\nThe answer is {other}"
    reading = read(reply, NUMBER, PLAIN, str(number))
    assert reading.code == (0 if number == other else -1)


def test_json_keeps_every_digit() -> None:
    long = "0.1234567890123456789012345678901"
    assert read(f'{{"answer": {long}}}', NUMBER, JSON, long).code == 0
    assert read(f'{{"answer": {json.dumps(float(long))}}}', NUMBER, JSON, long).code == 1
