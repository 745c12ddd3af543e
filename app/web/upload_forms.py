"""The forms of an upload: what was typed about a file and its job, read and filled in again."""

from fastapi import UploadFile
from pydantic import BaseModel

from app.domain.columns import NO_COLUMN
from app.services.importing import Choices
from app.services.previewing import Filled
from app.services.projects import ProjectDraft
from app.services.uploading import UploadView
from app.web.rule_forms import RuleTyped, typed_rule


class Typed(RuleTyped, BaseModel):
    """The forms of a new project as they were filled in; `label` and `about` are pairs, `do` is the button."""

    file: UploadFile | None = None
    name: str = ""
    description: str = ""
    goal: str = "accuracy"
    smallest_gain: str = ""
    prompt: str = ""
    split_seed: str = "0"
    on_conflict: str = "ask"
    input_column: str = ""
    label_column: str = ""
    kind: str = ""
    field_column: list[str] = []
    group_column: str = ""
    time_column: str = ""
    plan: str = ""
    dev_share: str = ""
    holdout_share: str = ""
    add_to: str = ""
    replace: str = ""
    label: list[str] = []
    about: list[str] = []
    do: str = "import"

    def described(self) -> dict[str, str]:
        """What was written about each label."""
        pairs = zip(self.label, self.about, strict=False)
        return {label: _lines(about) for label, about in pairs if about.strip()}

    def filled(self, name: str) -> Filled:
        """What was typed; a number that is none becomes one that no check lets pass."""
        draft = ProjectDraft(
            name=self.name.strip() or name,
            description=_lines(self.description),
            goal=self.goal,
            smallest_gain=_number(self.smallest_gain),
            start_prompt=_lines(self.prompt),
            label_descriptions=tuple(self.described().items()),
        )
        return Filled(draft, self.choices())

    def choices(self) -> Choices:
        """Several fields are a checklist of columns: the answer is then in no single column."""
        seed = _number(self.split_seed)
        fields = tuple(self.field_column) if self.kind in ("", "fields") else ()
        return Choices(
            input_column=self.input_column,
            label_column="" if fields else self.label_column,
            on_conflict=self.on_conflict,
            split_seed=int(seed) if seed == int(seed) else -1,
            kind=self.kind,
            field_columns=fields,
            group_column=self.group_column,
            time_column=self.time_column,
            plan=self.plan,
            dev_share=_share(self.dev_share),
            holdout_share=_share(self.holdout_share),
            add_to=self.add_to,
            replace=bool(self.replace),
            rule={} if self.add_to else self.options(self.kind),
        )


def _number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return -1
    return number if abs(number) < 2**31 else -1


def _share(percent: str) -> float | None:
    """A share of 1 from what was typed as percent; nothing where the size is to decide."""
    return round(_number(percent.replace("%", "")) / 100, 4) if percent.strip() else None


def _lines(text: str) -> str:
    """Browsers send line ends of two characters."""
    return text.replace("\r\n", "\n").strip()


def typed_of(view: UploadView) -> Typed:
    """The form as it stands in the database; what is not found out yet is left to be guessed."""
    found, none = (view.preview, NO_COLUMN) if view.preview.checked else (None, "")
    draft, described = view.draft, dict(view.draft.label_descriptions)
    labels = list(view.preview.labels or {}) if view.preview.kind in ("label", "labels") else []
    return Typed(
        name=draft.name,
        description=draft.description,
        goal=draft.goal,
        smallest_gain=f"{draft.smallest_gain:g}",
        prompt=draft.start_prompt,
        split_seed=str(view.choices.split_seed),
        on_conflict=view.choices.on_conflict,
        input_column=view.choices.input_column or view.preview.input,
        label_column=view.choices.label_column or view.preview.label,
        kind=view.choices.kind or (found.kind if found else ""),
        field_column=list(view.choices.field_columns or ([] if view.preview.label else view.preview.fields)),
        group_column=view.choices.group_column or view.preview.group or none,
        time_column=view.choices.time_column or view.preview.time or none,
        plan=view.choices.plan,
        dev_share=_percent(view.choices.dev_share),
        holdout_share=_percent(view.choices.holdout_share),
        add_to=view.choices.add_to,
        replace="yes" if view.choices.replace else "",
        **typed_rule(view.choices.rule),
        label=labels,
        about=[described.get(label, "") for label in labels],
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:g}"
