"""Thresholds from the command line: shown, worked out first where needed, frozen, written as JSON."""

import json
from pathlib import Path

import numpy as np

from app.services import freezing
from app.settings import Settings
from app.storage import migrating
from app.storage.session import Database
from tests.flows.test_command import agon
from tests.services.sure import answered


def test_thresholds_are_shown_and_frozen(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    made, out = answered(database, settings, 330), tmp_path / "out.json"
    rule = "recall at precision>=0.8"
    command = ("thresholds", made.run_id, "--class", "returns", "--rule", rule)
    idle = agon(*command, "--abstain", folder=tmp_path)
    assert (idle.returncode, idle.stderr) == (2, "--abstain: says what is frozen; add --freeze\n")
    done = agon(*command, "--freeze", "--abstain", "--json", str(out), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"│ {rule} " in done.stdout
    assert "110 of 330 examples have it; probabilities from logprobs." in done.stdout
    assert f"{rule} for returns." in done.stdout
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["tuned"]["chosen"]["rule"] == told["frozen"]["rule"] == rule
    assert told["frozen"]["classes"][0]["threshold"] == told["tuned"]["chosen"]["at"]["threshold"]
    kept = told["frozen"]["abstaining"]
    share, right = kept["kept"] / kept["n"], kept["accuracy"]
    said = " ".join(done.stdout.split())
    assert f"Frozen with it: Abstains below a probability of {kept['at']:.3f}: answers {share:.1%}" in said
    assert f"({kept['kept']} of 330), right among those {right['value']:.3f} ({right['low']:.3f}–" in said
    wrong = agon("thresholds", made.run_id, "--rule", "the best", folder=tmp_path)
    assert (wrong.returncode, "this rule cannot be read; write f1" in wrong.stderr) == (2, True)
    unknown = agon("thresholds", "nobody", folder=tmp_path)
    assert (unknown.returncode, "There is no such evaluation run." in unknown.stderr) == (2, True)
    database.close()


def test_abstaining_always_is_said_when_it_is_frozen(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    guessed = np.eye(3, dtype="<f4")[np.random.default_rng(1).integers(0, 3, 330)]
    made, out = answered(database, settings, 330, shares=guessed), tmp_path / "out.json"
    done = agon("thresholds", made.run_id, "--freeze", "--abstain", "--json", str(out), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Frozen with it: Abstains always: no limit keeps the accuracy at 0.95." in " ".join(done.stdout.split())
    assert json.loads(out.read_text(encoding="utf-8"))["frozen"]["abstain_below"] == 2.0
    database.close()


def test_nothing_is_frozen_when_the_file_cannot_be_written(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    made = answered(database, settings, 330)
    for path, said in ((".", "is a folder; name a file in it"), ("nowhere/out.json", "its folder does not exist")):
        refused = agon("thresholds", made.run_id, "--freeze", "--json", path, folder=tmp_path)
        assert (refused.returncode, refused.stderr.startswith(f"--json {path}: {said}")) == (2, True), refused.stderr
    unknown = agon("thresholds", "nobody", "--freeze", "--json", "out.json", folder=tmp_path)
    assert (unknown.returncode, (tmp_path / "out.json").exists()) == (2, False)
    with database.read() as session:
        assert freezing.frozen_of_version(session, made.version_id) == []
    database.close()


def test_a_run_is_named_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    made = answered(database, settings, 330)
    done = agon("thresholds", made.run_id[:8], "--freeze", "--json", "out.json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["run_id"] == made.run_id
    short = agon("thresholds", made.run_id[:3], folder=tmp_path)
    assert (short.returncode, short.stderr) == (
        2,
        f"RUN: {made.run_id[:3]!r} is too short: give at least 4 characters of the id\n",
    )
    database.close()
