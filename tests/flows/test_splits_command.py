"""`agon splits`: what is advised for a file, and that an import then splits it so."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.errors import Invalid
from app.services import importing
from app.services.importing import Choices
from app.settings import Settings, settings
from tests.conftest import data_folder

SAID = [f"{n * 7919 % 1000:03} {n * 104729 % 10007} {n**3}" for n in range(80)]
ROWS = "".join(f"{text},{'ab'[n % 2]}\n" for n, text in enumerate(SAID))


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGON_DATA_DIR", str(tmp_path / "data"))
    settings.cache_clear()


def splits(*options: str) -> Result:
    return CliRunner().invoke(app, ["splits", *options], catch_exceptions=False)


def test_it_advises_what_an_import_then_does_and_keeps_nothing(tmp_path: Path) -> None:
    file, out = data_folder() / "nlbse24_issues.jsonl", tmp_path / "splits.json"
    found = splits(str(file), "--json", str(out))
    assert found.exit_code == 0
    told = json.loads(out.read_text(encoding="utf-8"))
    states = {one["way"]: one["state"] for one in told["split"]["suggestions"]}
    assert states == {
        "stratified": "possible", "random": "possible", "grouped": "not possible", "out_of_time": "suggested",
        "folds": "not needed", "nested": "not needed",
    }  # fmt: skip
    prepared = importing.prepare(Settings(), file.read_bytes(), file.name, Choices(on_conflict="refuse"))
    assert told["split"]["sizes"] == prepared.sizes
    assert f"train {prepared.sizes['train']}, dev {prepared.sizes['dev']}" in found.stdout
    assert "Used here: out of time" in found.stdout
    assert not (tmp_path / "data" / "agon.db").exists()


def test_shares_and_plans_can_be_tried(tmp_path: Path) -> None:
    file, out = data_folder() / "rusentne2023.jsonl", tmp_path / "splits.json"
    chosen = "--plan", "random", "--holdout-share", "0.4", "--dev-share", "0.2", "--group-column", "-"
    assert splits(str(file), *chosen, "--json", str(out)).exit_code == 0
    told = json.loads(out.read_text(encoding="utf-8"))["split"]
    assert told["plan"]["kind"] == "random"
    assert told["sizes"]["holdout"] == pytest.approx(0.4 * sum(told["sizes"].values()), rel=0.02)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (f"input,label\n{ROWS}", ("--holdout-share", "0.9"), "--holdout-share: must lie between 10% and 60%"),
        (f"input,label\n{ROWS}", ("--dev-share", "nan"), "--dev-share: must lie between 10% and 60%"),
        (f"input,label\n{ROWS}", ("--json", "nowhere/out.json"), "--json nowhere/out.json: its folder does not exist"),
        (f"input,label\n{ROWS}", ("--json", "."), "--json .: is a folder; name a file in it"),
        (f"input,label\n{ROWS}", ("--plan", "fair"), "--plan: must be one of stratified"),
        (f"left,right\n{ROWS}", (), "add --input-column and --label-column. There are left, right"),
        (f"input,label\n{ROWS}last,\n", (), "line 82"),
        (f"input,label\n{ROWS}", ("--group-column", "label"), "--group-column: the column label holds the answer"),
        (f"input,label\n{ROWS}", ("--time-column", "input"), "--time-column: the column input holds the input"),
        (f"input,label\n{ROWS}", ("--group-column", "user"), "--group-column: there is no column user for the group"),
        (f"input,label\n{ROWS}", ("--label-column", "kind"), "--label-column: there is no column kind for the label"),
    ],
)
def test_what_cannot_be_split_is_told_with_its_place(
    tmp_path: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as told:
        splits(str(file), *options)
    assert said in str(told.value)


def test_contradicting_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"input,label\n{ROWS}{SAID[0]},b\n", encoding="utf-8")
    found = splits(str(file))
    assert "2 rows have the same text and different answers" in found.stdout


def test_a_time_that_cannot_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "splits.json"
    rows = "".join(f"{row},0{n % 9 + 1}/0{n % 7 + 1}/2023\n" for n, row in enumerate(ROWS.splitlines()))
    file.write_text(f"input,label,date\n{rows}", encoding="utf-8")
    found = splits(str(file), "--json", str(out))
    why = "Column date: could have the day first or the month first; write dates as 2023-07-16."
    assert "Column date: could have the day first or the month first" in found.stdout
    told = json.loads(out.read_text(encoding="utf-8"))["split"]["suggestions"]
    assert [one["why"] for one in told if one["way"] == "out_of_time"] == [why]


def test_a_column_of_few_groups_is_no_guess_and_chosen_says_what_it_does(tmp_path: Path) -> None:
    file, out = tmp_path / "rows.csv", tmp_path / "out.json"
    rows = "".join(f"{row},{row[-1]}\n" for row in ROWS.splitlines())
    file.write_text(f"input,label,group\n{rows}", encoding="utf-8")
    guessed = splits(str(file), "--json", str(out))
    told = json.loads(out.read_text(encoding="utf-8"))
    assert (told["group"], told["split"]["plan"]["kind"], told["split"]["sizes"]["holdout"] > 0) == (
        None,
        "stratified",
        True,
    )
    assert "Column group has 2 different values, too few to keep whole groups apart" in " ".join(guessed.stdout.split())
    chosen = " ".join(splits(str(file), "--group-column", "group").stdout.split())
    assert "There are only 2 groups: whole ones fill the splits unevenly, and a class may miss one." in chosen
    assert "rows that stay together left none for it" in chosen
    assert "fewer than 60" not in chosen, "there are 80"
