"""Models and their keys from the command line: listed, tested, and encrypted anew."""

from pathlib import Path

from app.services import catalogue
from app.settings import Settings
from app.storage import endpoints
from app.storage.secrets import decrypt
from app.storage.session import Database
from tests.flows.running import free_port, practice
from tests.flows.test_command import agon

KEY = "sk-a-secret-of-the-test"


def stored(folder: Path, settings: Settings, base_url: str, *models: str) -> Database:
    """A migrated data folder with the provider `lab` and some models that nobody tested."""
    assert agon("migrate", folder=folder).returncode == 0
    database = Database(f"sqlite:///{folder / 'data' / 'agon.sqlite3'}")
    with database.write() as session:
        provider = catalogue.add_provider(session, settings, "lab", base_url, KEY)
        for model in models:
            catalogue.add_endpoint(session, provider.id, model)
    return database


def test_models_are_listed_and_one_is_tested(tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        stored(tmp_path, Settings(data_dir=tmp_path / "data"), url, "exemplar-v1", "nobody").close()
        listed = agon("endpoints", folder=tmp_path).stdout
        assert "lab/exemplar-v1" in listed
        assert "not yet" in listed
        tested = agon("endpoints", "test", "lab/exemplar-v1", folder=tmp_path)
        failed = agon("endpoints", "test", "lab/nobody", folder=tmp_path)
    assert tested.returncode == 0, tested.stderr
    assert "lab/exemplar-v1 answers" in tested.stdout
    assert "scores that need them will use votes of repeated replies" in tested.stdout
    assert failed.returncode == 2
    assert "there is no such model" in failed.stderr
    listed = agon("endpoints", folder=tmp_path).stdout
    assert "does not answer" in listed
    assert "token probabilities, replies by schema, JSON mode" in listed
    assert KEY not in listed + tested.stdout + failed.stderr


def test_an_embedder_is_told_from_the_others_and_a_role_is_changed(tmp_path: Path) -> None:
    with practice(tmp_path, free_port()) as url:
        stored(tmp_path, Settings(data_dir=tmp_path / "data"), url, "embedder-v1", "scholar-v1").close()
        tested = agon("endpoints", "test", "lab/embedder-v1", folder=tmp_path)
        changed = agon("endpoints", "role", "lab/scholar-v1", "judge", folder=tmp_path)
        wrong = agon("endpoints", "role", "lab/scholar-v1", "king", folder=tmp_path)
        listed = agon("endpoints", folder=tmp_path).stdout
    assert "lab/embedder-v1 answers" in tested.stdout, tested.stderr
    assert "two texts are compared by them" in tested.stdout
    assert "1 call;" in tested.stdout
    assert changed.stdout.strip() == "lab/scholar-v1 judges answers."
    assert (wrong.returncode, "must be one of nothing" in wrong.stderr) == (2, True)
    assert any("scholar-v1" in line and "judge" in line for line in listed.splitlines())


def test_what_cannot_be_tested_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert "agon migrate" in agon("endpoints", folder=tmp_path).stderr
    stored(tmp_path, Settings(data_dir=tmp_path / "data"), "http://127.0.0.1:9/v1").close()
    unknown = agon("endpoints", "test", "lab/none", folder=tmp_path)
    assert (unknown.returncode, "agon endpoints lists those there are" in unknown.stderr) == (2, True)
    wrong = agon("endpoints", "test", "none", folder=tmp_path)
    assert (wrong.returncode, "PROVIDER/NAME" in wrong.stderr) == (2, True)


def test_keys_are_rotated_and_one_that_no_secret_opens_is_named(tmp_path: Path) -> None:
    database = stored(tmp_path, Settings(secret_key="old"), "http://127.0.0.1:9/v1")
    lost = agon("rotate-keys", folder=tmp_path, AGON_SECRET_KEY="new")
    assert (lost.returncode, "opens the stored key of lab" in lost.stderr) == (2, True)
    done = agon("rotate-keys", folder=tmp_path, AGON_SECRET_KEY="new,old")
    assert (done.returncode, done.stdout.strip()) == (0, "1 key is encrypted with the first secret now.")
    with database.read() as session:
        provider = endpoints.provider_named(session, "lab")
    database.close()
    assert provider
    assert decrypt(Settings(secret_key="new"), provider.encrypted_key or "") == KEY
    assert KEY not in done.stdout + done.stderr
