"""Evaluations from the command line: listed, watched, paused, let go on, ended."""

from pathlib import Path

from app.services import evaluating
from app.settings import Settings
from app.storage import migrating
from app.storage.session import Database
from tests.flows.test_command import agon
from tests.gateway.scripted import serving
from tests.services.tickets import Tickets, right


def test_a_run_is_listed_steered_and_told_to_its_end(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", block_size=20)
    settings.data_dir.mkdir()
    migrating.upgrade(settings.effective_database_url)
    database = Database(settings.effective_database_url)
    with serving(right) as server:
        tickets = Tickets.at(database, settings, server.base_url, 30)
        assert "No evaluation is open." in agon("runs", folder=tmp_path).stdout
        run_id = tickets.start(max_calls=20)
        listed = agon("runs", folder=tmp_path).stdout
        assert [word in listed for word in (run_id, "v1 on dev", "x/small", "queued", "0 of 30 (0 %)")] == [True] * 5
        paused = agon("run", run_id, "--pause", folder=tmp_path)
        assert (paused.returncode, "paused: 0 of 30 answers; 0 calls" in paused.stdout) == (0, True), paused.stderr
        again = agon("run", run_id, "--pause", folder=tmp_path)
        assert (again.returncode, "only one that waits or works can be paused" in again.stderr) == (2, True)
        assert tickets.run(run_id).status == "paused"
        with database.write() as session:
            evaluating.resume(session, run_id)
        tickets.work_on()
        capped = agon("run", run_id, folder=tmp_path)
        told = capped.stdout
        assert (capped.returncode, f"agon run {run_id} --max-calls N" in capped.stderr) == (2, True)
        assert "exhausted: 20 of 30 answers; 20 calls, 180 tokens" in told
        assert "The cap on calls of this run is reached: 20 of 20 calls are used" in told
        assert (
            "The cap on calls of this run is reached: 20 of 20 calls are used" in agon("runs", folder=tmp_path).stdout
        )
        with database.write() as session:
            evaluating.stop(session, run_id)
        tickets.drive()
    ended = agon("run", run_id, folder=tmp_path).stdout
    assert "stopped: 20 of 30 answers" in ended
    assert "accuracy 1.000 (0.8" in ended
    assert "20 right, 0 unreadable." in ended
    unknown = agon("run", "nobody", folder=tmp_path)
    assert (unknown.returncode, "There is no such evaluation run." in unknown.stderr) == (2, True)
    both = agon("run", run_id, "--pause", "--stop", folder=tmp_path)
    assert (both.returncode, "choose one of --pause, --resume and --stop" in both.stderr) == (2, True)
    database.close()
