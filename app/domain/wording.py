"""Says an answer format in words: to a task model, after its prompt, and to a prompt's author."""

from app.domain.answers import describe_format
from app.domain.answerspace import Answers, Field
from app.domain.formats import (
    BEFORE_WORDS,
    CONFIDENCE,
    PLAIN,
    AnswerFormat,
    about_field,
    checked,
    codes_of,
    properties,
    verdicts,
    written,
)


def instructions(answers: Answers, form: AnswerFormat = PLAIN) -> str:
    """The sentences that are added after a prompt's text; empty for plain text, which the prompt itself asks for.

    Raises Invalid as `formats.checked` does.
    """
    checked(answers, form)
    if form.how == "json":
        return _json_instructions(answers, form)
    return _code_instructions(answers) if form.how == "codes" else ""


def placed_after(answers: Answers, form: AnswerFormat = PLAIN) -> str:
    """What stands after a prompt's own text in a request. Raises Invalid as `instructions` does."""
    added = instructions(answers, form)
    return f"\n\n{added}" if added else ""


def describe(answers: Answers, form: AnswerFormat = PLAIN) -> str:
    """The answer format as the end of a sentence, "it must make the model answer with ...". Raises Invalid."""
    checked(answers, form)
    if form.how == "json":
        held = ", ".join(f'"{name}" ({_content(answers, form, name)})' for name in properties(answers, form))
        return f"one JSON object with these fields in this order, and nothing after it: {held}. {_added('these rules')}"
    if form.how == "codes":
        table = ", ".join(f"{code}: {name}" for code, name in zip(codes_of(answers), answers.names, strict=True))
        return f"{_code_words(answers)} ({table}). {_added('this table')}"
    return _plain_words(answers)


def _added(what: str) -> str:
    return f"The app adds {what} after the prompt's text, so the prompt must not ask for another form"


def _json_instructions(answers: Answers, form: AnswerFormat) -> str:
    names = properties(answers, form)
    lines = [f'- "{name}": {_content(answers, form, name)}' for name in names]
    return "\n".join(
        [
            "Answer with one JSON object and write nothing after it. It has exactly these fields, in this order:",
            *lines,
        ]
    )


def _content(answers: Answers, form: AnswerFormat, name: str) -> str:
    if name in form.before:
        return f"text, {BEFORE_WORDS[name]}"
    if name == CONFIDENCE and form.probabilities == "stated":
        return _confidence_words(answers)
    values, about = written(answers, name), about_field(answers, name)
    if values:
        return _choice(values) + (f"; {about}" if about else "")
    return "a number, without unit" if answers.kind == "number" else f"text, {about or 'the answer alone'}"


def _choice(values: tuple[str, ...]) -> str:
    return (
        " or ".join(sorted(values, reverse=True)) if set(values) == {"true", "false"} else f"one of {', '.join(values)}"
    )


def _confidence_words(answers: Answers) -> str:
    if answers.kind == "label":
        return "a number from 0 to 1, the probability that the label is right"
    names = ", ".join(f'"{name}"' for name in verdicts(answers))
    return f"an object that has for each of {names} a number from 0 to 1, the probability that its value is right"


def _code_instructions(answers: Answers) -> str:
    table = [f"{code}: {label.name}" for code, label in zip(codes_of(answers), answers.labels, strict=True)]
    return "\n".join([f"Answer with {_code_words(answers)}. The codes are:", *table])


def _code_words(answers: Answers) -> str:
    if answers.kind == "label":
        return "the code of one label alone, without any other word"
    return "the codes of all labels that apply, with commas between them and no other word, or with none"


def _plain_words(answers: Answers) -> str:
    if answers.kind == "label":
        return describe_format(answers.labels)
    if answers.kind == "labels":
        apart = (
            "each on a line of its own" if any("," in name for name in answers.names) else "with commas between them"
        )
        names = "; ".join(answers.names) if apart.startswith("each") else ", ".join(answers.names)
        return f"all labels that apply, exactly as written, {apart} and no other word, or none: {names}"
    if answers.fields:
        held = "; ".join(_line(one) for one in answers.fields)
        return f"one line for each field, of the form field: value, and no other line: {held}"
    if answers.kind == "number":
        return "the number alone or, where steps come before it, a last line of the form Answer: 42"
    return _text_words(answers)


def _line(one: Field) -> str:
    return f"{one.name} ({', '.join(one.values) or 'text'})"


def _text_words(answers: Answers) -> str:
    texts = answers.texts
    return {
        "exact": "the short answer alone, without any other word",
        "contains": "a text that holds the expected words",
        "regex": "a text of the expected form",
        "similarity": "a text that says what the expected answer says",
        "facts": "a text that states every expected fact",
        "criterion": f"a text that fulfils this criterion: {texts.criterion}",
        "preference": f"a text that fulfils this criterion better than the expected answer: {texts.criterion}",
    }[texts.match]
