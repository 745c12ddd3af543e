"""Holdout reports and openings from the command line."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from app.services.opening import begin as begin_opening
from app.settings import Settings
from app.storage import migrating, run_boards
from app.storage.campaigns import HoldoutOpening
from app.storage.session import Database
from tests.flows.test_command import agon
from tests.gateway.scripted import serving
from tests.services.test_opening import draft, sealing, sometimes

REASON = ("--reason", "before it goes live")


def test_a_holdout_is_opened_reported_and_refused_the_third_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", block_size=20)
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        opening = ("open-holdout", better, "--task-model", "x/small")
        unsure = agon(*opening, *REASON, folder=tmp_path)
        assert (unsure.returncode, "add --yes where nobody can be asked" in unsure.stderr) == (2, True)
        assert "Look 1 of 2 at 60 sealed examples: 120 calls" in unsure.stdout
        short = agon(*opening, "--reason", "because", "--yes", folder=tmp_path)
        assert (short.returncode, "--reason: say why in at least 3 words" in short.stderr) == (2, True)
        assert "undone" not in short.stdout, "what is refused was not offered"
        nobody = agon(*opening, *REASON, "--against", "nobody", "--yes", folder=tmp_path)
        assert (nobody.returncode, "There is no prompt version nobody" in nobody.stderr) == (2, True)
        same = agon(*opening, *REASON, "--against", better, "--yes", folder=tmp_path)
        assert (same.returncode, "--against: choose another prompt" in same.stderr) == (2, True)
        capped = agon(*opening, *REASON, "--max-calls", "5", "--yes", folder=tmp_path)
        assert (capped.returncode, "--max-calls: Both prompts take 120 calls" in capped.stderr) == (2, True)
        began = agon("open-holdout", better[:7], *opening[2:], *REASON, "--max-calls", "500", "--yes", folder=tmp_path)
        with database.read() as session:
            opening_id = session.scalars(select(HoldoutOpening.id)).one()
        assert (began.returncode, f"agon report {opening_id}" in began.stdout) == (0, True), began.stderr
        assert "**Better." in began.stdout, "a worker was started for it"
        with database.write() as session:
            second = begin_opening(session, settings, draft(tickets, better, reason="to see it again"))[0].id
        early = agon("report", second, folder=tmp_path)
        assert (early.returncode, "v2 waits for a worker with" in early.stderr) == (2, True)
        third = agon(*opening, *REASON, "--yes", folder=tmp_path)
        assert (third.returncode, "Holdout spent." in third.stderr) == (2, True)
    database.close()
    read(tmp_path, opening_id)


def read(folder: Path, opening_id: str) -> None:
    """The report in each form."""
    assert "before it goes live" in agon("report", opening_id[:8], folder=folder).stdout
    written = folder / "report.json"
    assert agon("report", opening_id, "--format", "json", "--out", str(written), folder=folder).returncode == 0
    told = json.loads(written.read_text(encoding="utf-8"))
    assert (told["evidence"]["look"], told["opening_id"], told["missed"]) == (1, opening_id, "")
    lost = agon("report", opening_id, "--format", "pdf", folder=folder)
    assert (lost.returncode, "a PDF needs --out FILE" in lost.stderr) == (2, True)
    unknown = agon("report", "nobody", folder=folder)
    assert (unknown.returncode, "no campaign and no opening of a holdout nobody" in unknown.stderr) == (2, True)
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    printed = folder / "report.pdf"
    assert agon("report", opening_id, "--format", "pdf", "--out", str(printed), folder=folder).returncode == 0
    assert printed.read_bytes().startswith(b"%PDF-")


def test_an_opening_that_a_cap_stops_says_so_and_goes_on_with_a_higher_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", block_size=20)
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    with serving(sometimes) as server:
        tickets = sealing(database, settings, server.base_url)
        better = tickets.prompt("Kindly say: {{input}}")
        opening = ("open-holdout", better, "--task-model", "x/small", *REASON)
        stopped = agon(*opening, "--max-tokens", "400", "--yes", folder=tmp_path)
        assert stopped.returncode == 2
        assert "There is no report yet: v1 is stopped by a cap after" in stopped.stderr
        with database.read() as session:
            [opening_id] = session.scalars(select(HoldoutOpening.id))
            run_id = run_boards.of_opening(session, opening_id)[0].id
        assert f"agon run {run_id} --max-calls N" in stopped.stderr
        less = agon("run", run_id, "--max-tokens", "1", folder=tmp_path)
        assert (less.returncode, "--max-tokens: must be more than is used already" in less.stderr) == (2, True)
        with ThreadPoolExecutor() as beside:
            raised = beside.submit(agon, "run", run_id, "--max-tokens", "1000000", folder=tmp_path)
            while not raised.done():
                tickets.work()
                time.sleep(0.05)
        told = raised.result()
        assert (told.returncode, "finished: 60 of 60 answers" in told.stdout) == (0, True), told.stderr
        tickets.work_on()
    assert "**Better." in agon("report", opening_id, folder=tmp_path).stdout
    database.close()
