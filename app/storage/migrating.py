"""Brings a database to the present shape of the tables, or back."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.storage.session import make_engine

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = make_engine(url)
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing; nothing happens when none is."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(_config(url), revision)
