"""Two evaluations compared from the command line, as a table and as files."""

import csv
import json
from pathlib import Path

from app.settings import Settings
from app.storage import migrating
from app.storage.projects import Project
from app.storage.session import Database
from tests.flows.test_command import agon
from tests.services.paired import Paired

EXPECTED = [n % 3 for n in range(200)]


def test_two_evaluations_are_compared_in_the_terminal_and_in_files(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    paired = Paired.at(database, EXPECTED, texts=["=1+1"])
    a = paired.answer("Sort. {{input}}", [code if n >= 40 else (code + 1) % 3 for n, code in enumerate(EXPECTED)])
    b = paired.answer("Sort well. {{input}}", [code if n >= 10 else -1 for n, code in enumerate(EXPECTED)])
    strange = Paired.at(database, [0]).answer("x {{input}}", [0])
    told = agon("compare", a, b[:9], "--json", "out.json", "--csv", "out.csv", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    said = " ".join(told.stdout.split())
    assert "Verdict on B: B is better than A (exact McNemar)." in said
    assert "below 0.0001" in said, "no p is nothing"
    assert "They disagree on 30 of 200 rows (15.0%)." in said
    assert "0.800 (0.7" in said
    assert "+0.150 (+0.1" in said
    assert "points in rows right cannot be told from chance." in said
    assert "If 15.0 points is the true difference, about" in said
    numbers = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    (one,) = numbers["comparisons"]
    assert (one["verdict"], one["counts"]["fixed"], one["counts"]["unreadable"]) == ("better", 30, 10)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert (head[3], len(rows), rows[0][1]) == ("change", 200, "'=1+1")
    paired.group([n // 4 for n in range(200)])
    paired.again(b, EXPECTED, 1)
    grouped = " ".join(agon("compare", a, b, folder=tmp_path).stdout.split())
    assert "Verdict on B: B is better than A (paired permutation)." in grouped
    assert "interval and p are drawn from 50 groups and lone rows, each whole." in grouped
    assert (
        "An example counts once, with the mean of its answers; disagreements and the counts above are of first"
        in grouped
    )
    database.close()
    for ids, sentence in (
        ((a,), "a comparison needs two evaluations or more"),
        ((a, "nobody"), "There is no evaluation nobody"),
        ((a, b[:3]), f"ID: {b[:3]!r} is too short: give at least 4 characters"),
        ((a, strange), "answered another test set"),
        ((a, b, "--csv", "nowhere/out.csv"), "its folder does not exist"),
        ((a, b, "--csv", "/dev/full"), "--csv /dev/full: cannot be written (No space left on device)"),
    ):
        refused = agon("compare", *ids, folder=tmp_path)
        assert (refused.returncode, sentence in refused.stderr) == (2, True), refused.stderr


def test_further_goals_stand_beside_the_one_that_decides_and_missing_scores_are_explained(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    paired = Paired.at(database, EXPECTED)
    ids = [
        paired.answer(f"{wrong} {{{{input}}}}", [(code + (n < wrong)) % 3 for n, code in enumerate(EXPECTED)])
        for wrong in (40, 10, 30, 35, 38)
    ]
    with database.write() as session:
        session.get_one(Project, paired.project_id).goal = "accuracy; macro_f1"
    told = agon("compare", *ids[:2], "--json", "out.json", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    said = " ".join(told.stdout.split())
    assert "Further goals; the verdict rests on accuracy, and p is that of one goal alone" in said
    assert "macro_f1" in said
    (one,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["comparisons"]
    assert [by["goal"] for by in one["further"]] == ["macro_f1"]
    assert "Expected on new data" in said, "the leading goal is still the one they were scored by"
    with Database(settings.effective_database_url).write() as session:
        session.get_one(Project, paired.project_id).goal = "macro_f1"
    said = " ".join(agon("compare", *ids[:2], folder=tmp_path).stdout.split())
    assert "5 prompts were scored by another goal: evaluate them again, from the store, for scores to expect." in said
