"""The names by which a column of a labelled file is recognised, in English and Russian, and the columns that have them."""

from collections.abc import Iterable, Sequence

from app.domain.cells import spoken
from app.domain.kinds import SETS
from app.domain.tables import Table

# A name stands here in small letters, with blanks where a file may have underscores.
INPUTS = ("input", "text", "message", "question", "query", "prompt", "sentence", "content", "utterance", "comment",
          "текст", "сообщение", "вопрос", "запрос", "ввод", "вход", "предложение", "содержание", "высказывание",
          "реплика", "фраза", "комментарий", "обращение", "отзыв")  # fmt: skip
LABELS = ("label", "labels", "reference", "expected", "category", "class", "intent", "target", "answer", "output", "gold",
          "tag", "метка", "разметка", "эталон", "эталонный ответ", "правильный ответ", "верный ответ", "ожидаемый ответ",
          "категория", "класс", "тональность", "намерение", "интент", "ответ", "вывод", "тег", *SETS[1:], "checklist", "чек-лист",
          "чеклист")  # fmt: skip
IDS = ("id", "uid", "guid", "идентификатор", "ид")
GROUPS = ("group", "group id", "thread", "thread id", "user", "user id", "document", "document id", "conversation id",
          "группа", "ветка", "диалог", "пользователь", "документ", "клиент")  # fmt: skip
TIMES = ("created at", "createdat", "timestamp", "datetime", "date", "time", "created", "sent at", "received at",
         "published at", "at", "дата создания", "дата и время", "дата", "время", "создано", "отправлено", "получено",
         "опубликовано")  # fmt: skip
_OUTER = ("meta", "metadata")


def first_named(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The column that has the first of these names which any has; of equal ones the first in the file."""
    by_name = {spoken(column): column for column in reversed(tuple(columns))}
    return next((by_name[name] for name in names if name in by_name), None)


def all_named(table: Table, names: Sequence[str]) -> list[str]:
    """Every column that has one of these names, in their order, then every such name inside the objects of `meta`."""
    own = {spoken(column): column for column in reversed(table.columns)}
    inside = {outer: _names_inside(table, outer) for outer in _OUTER if outer in table.columns}
    inner = [f"{outer}.{found[name]}" for outer, found in inside.items() for name in names if name in found]
    return [*(own[name] for name in names if name in own), *inner]


def _names_inside(table: Table, outer: str) -> dict[str, str]:
    """The names in the objects that a column holds, by how they are spoken."""
    held = (row.values.get(outer) for row in table.rows)
    return {spoken(name): name for one in held if isinstance(one, dict) for name in one}
