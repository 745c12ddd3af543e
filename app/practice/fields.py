"""The names that prompts give to an input and to its answer, and pairs of such lines."""

import re

INPUTS = (
    *("input", "вход", "message", "text", "query", "question", "utterance", "sentence", "comment", "review"),
    *("request", "email", "tweet", "user", "сообщение", "текст", "запрос", "вопрос", "предложение", "комментарий"),
)
ANSWERS = (
    *("label", "answer", "output", "category", "class", "intent", "expected", "result"),
    *("метка", "ответ", "категория", "класс"),
)
_BEFORE = r"^[ \t#>*-]*"
_COLON = r"\**[^\S\n]*:\**"

INPUT_LINES = {name: re.compile(rf"{_BEFORE}{name}{_COLON}", re.IGNORECASE | re.MULTILINE) for name in INPUTS}

PAIR = re.compile(
    rf"{_BEFORE}(?:{'|'.join(INPUTS)}){_COLON}[^\S\n]*(?P<input>\S[^\n]*(?:\n[^\n]+)*?)"
    rf"\n[ \t#>*-]*(?:{'|'.join(ANSWERS)}){_COLON}[^\S\n]*(?P<label>\S[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
"""`Input: text` with `Label: name` on a line after it and no empty line between."""

CUE = re.compile(
    rf"\n[ \t#>*-]*(?:the |your )?(?:{'|'.join(ANSWERS)})(?:{_COLON}|\**)\s*$",
    re.IGNORECASE,
)
"""The end of a prompt that waits for its answer, such as a last line `Label:`."""
