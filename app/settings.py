"""Every knob, typed, with its default and the reason for it; read from the environment."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _plain(name: str, default: Any, reason: str) -> Any:
    """A setting under its customary name, without our prefix."""
    return Field(default, description=reason, validation_alias=AliasChoices(name, name.lower()))


def _one_of(choices: tuple[str, ...], given: str) -> str:
    if given not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return given


class Settings(BaseSettings):
    """Environment variables with the prefix `AGON_`, beside the customary names of others' services."""

    model_config = SettingsConfigDict(env_prefix="AGON_", env_file=".env", extra="ignore", populate_by_name=True)

    data_dir: Path = Field(Path("data"), description="the embedded database, queue and secrets live here")
    host: str = Field("127.0.0.1", description="loopback: nobody else reaches an app without a password")
    port: int = Field(8000, description="the web server's port", ge=0, le=65535)
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="further Host names, comma-separated; loopback names and AGON_HOST are always allowed"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"), description="addresses or networks whose X-Forwarded-* headers are believed"
    )
    password: str = Field("", description="asked for at login; a public bind is refused without it", repr=False)
    api_token: str = Field("", description="bearer token of /api/v1 when a password is set", repr=False)
    session_hours: int = Field(168, description="a week: long enough not to annoy, short enough to end", ge=1)
    secret_key: str = Field(
        "", description="encrypts stored keys, old ones after a comma; empty: made once in the data folder", repr=False
    )
    private_endpoints: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="hosts or networks that model endpoints may use although private, comma-separated"
    )

    database_url: str = _plain("DATABASE_URL", "", "empty: SQLite in the data folder")
    redis_url: str = _plain("REDIS_URL", "", "empty: the file broker in the data folder")
    openai_api_key: str = _plain("OPENAI_API_KEY", "", "key of the provider that is offered as 'openai'")
    openai_base_url: str = _plain("OPENAI_BASE_URL", "https://api.openai.com/v1", "where 'openai' listens")

    practice_url: str = Field("", description="a practice server that runs elsewhere; empty: our own on loopback")
    practice_latency: float = Field(0.0, description="seconds a practice model waits before it answers", ge=0)
    worker_processes: int = Field(2, description="campaigns and imports that one worker runs side by side", ge=1)
    call_processes: int = Field(1, description="processes of one worker that answer blocks of evaluations", ge=1)
    lease_seconds: float = Field(10.0, description="a dead worker's job is taken over after this long", gt=0)
    slice_seconds: float = Field(60.0, description="a job yields its process after this long, for fairness", gt=0)
    tick_seconds: float = Field(1.0, description="how often lost or expired jobs are looked for", gt=0)

    in_flight: int = Field(32, description="calls under way at once in one job", ge=1)
    save_every: int = Field(50, description="answers are saved in batches of this many at most", ge=1)
    block_save_every: int = Field(1000, description="the same where blocks are answered, which is faster", ge=1)
    save_seconds: float = Field(0.5, description="and no later than this long after they came", gt=0)
    call_deadline: float = Field(60.0, description="seconds for one call, all its attempts together", gt=0)
    generator_deadline: float = Field(300.0, description="the same for a generator, which writes whole prompts", gt=0)
    call_attempts: int = Field(4, description="requests bought for one call at most", ge=1)
    connect_seconds: float = Field(5.0, description="a host that does not accept in this time is unreachable", gt=0)
    block_size: int = Field(500, description="examples that a call worker takes at a time", ge=1)
    block_calls: int = Field(500, description="a campaign's ask for more answers is cut into blocks", ge=1)
    block_attempts: int = Field(8, description="tries of a block without an answer before its run is paused", ge=1)
    job_attempts: int = Field(5, description="tries of a job whose endpoint fails before it is paused", ge=1)

    task_max_tokens: int = Field(256, description="room for one label with some chatter around it", ge=1)
    generator_max_tokens: int = Field(8192, description="room for an analysis and a whole prompt", ge=1)
    generator_temperature: float = Field(1.0, description="variety between proposals", ge=0, le=2)

    max_calls: int = Field(4000, description="the cap on bought calls of a campaign", ge=1)
    rounds: int = Field(20, description="rounds of a campaign; 0 sets no end to them", ge=0)
    patience: int = Field(8, description="rounds without a new champion before a campaign ends", ge=1)
    smallest_gain: float = Field(0.02, description="a smaller difference does not matter to anybody", gt=0, lt=1)
    unreadable_alarm: float = Field(
        0.05, description="a larger share of unreadable replies is an alarm on every page that shows them", ge=0, le=1
    )
    pool_size: int = Field(8, description="prompts that the improver meta-prompt shows", ge=1, le=50)
    reflect_on: int = Field(60, description="train examples the champion is scored on for the meta-prompt", ge=1)
    show_wrong: int = Field(6, description="train examples shown that the champion gets wrong", ge=0)
    show_right: int = Field(3, description="train examples shown that the champion gets right", ge=0)
    show_characters: int = Field(2000, description="characters shown of each input, variable and reply", ge=100)
    prompt_limit: int = Field(12_000, description="characters of a proposed prompt at most", ge=100)
    retry_reserve: float = Field(0.1, description="share of the holdout's calls kept for retries", ge=0)

    max_rows: int = Field(100_000, description="rows of one imported file", ge=1)
    max_row_bytes: int = Field(200_000, description="size of one example", ge=1)
    max_upload_bytes: int = Field(200_000_000, description="size of one uploaded file", ge=1)
    dev_limit: int = Field(300, description="dev examples at most; the surplus goes to train", ge=20)

    draft_days: int = Field(14, description="an upload that nobody imports is deleted after so many days", ge=1)
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: str = Field("console", description="console: lines for people; json: one object a line")
    log_bytes: int = Field(10_000_000, description="size of a log in the data folder; one older is kept", ge=10_000)

    @field_validator("allowed_hosts", "trusted_proxies", "private_endpoints", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """A list in the environment is written with commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, value: object) -> object:
        return _one_of(("DEBUG", "INFO", "WARNING", "ERROR"), str(value).upper())

    @field_validator("log_format", mode="before")
    @classmethod
    def _format(cls, value: object) -> object:
        return _one_of(("console", "json"), str(value).lower())

    @property
    def effective_database_url(self) -> str:
        """The database in use; `postgresql://` means psycopg 3."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'agon.sqlite3'}"

    @property
    def reachable_by_others(self) -> bool:
        """Whether anybody else may reach the app: by its own address, or by a name that a proxy serves it under."""
        return any(name.strip("[]").lower() not in LOOPBACK for name in (self.host, *self.allowed_hosts))


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
