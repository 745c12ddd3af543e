"""docker-compose.yml, by parsing it: no Docker engine is asked for here."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_every_part_of_a_team_installation_is_there() -> None:
    assert set(SERVICES) == {"web", "worker", "calls", "beat", "migrate", "practice", "postgres", "redis"}
    assert SERVICES["practice"]["profiles"] == ["practice"]


def test_every_service_that_stays_has_a_health_check() -> None:
    assert all("healthcheck" in service for name, service in SERVICES.items() if name != "migrate")


def test_nothing_starts_before_the_migration_and_the_migration_waits_for_the_database() -> None:
    for name in ("web", "worker", "calls", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["restart"] == "no"


def test_a_public_bind_comes_with_a_password_that_must_be_set() -> None:
    environment = SERVICES["web"]["environment"]
    assert environment["AGON_HOST"] == "0.0.0.0"
    assert ":?" in environment["AGON_PASSWORD"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_every_variable_is_a_setting_that_exists() -> None:
    from app.settings import Settings

    fields = Settings.model_fields
    for variable in SERVICES["web"]["environment"]:
        name = variable.removeprefix("AGON_").lower()
        assert name in fields, f"{variable} is no setting"


def test_the_image_installs_hash_locked_and_runs_as_nobody_special() -> None:
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in recipe
    assert "USER agon" in recipe
