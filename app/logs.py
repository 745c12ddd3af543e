"""One way to log for web, worker and command: lines for people, or JSON; what looks like a key never gets through.

Values bound with structlog's contextvars (job, kind, subject, worker, request_id) stand on every line below them,
those of libraries included.
"""

import logging
import sys
from pathlib import Path

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.masking import mask
from app.settings import Settings

NOISY = (
    "alembic", "asyncio", "celery.app.trace", "celery.beat", "celery.worker.strategy", "httpcore2", "httpx2", "kombu",
    "openai", "sqlalchemy.engine", "uvicorn.access",
)  # fmt: skip
_DEEPEST = 4


def configure(settings: Settings) -> None:
    """Send what this process logs, its libraries' lines too, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_known(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_known(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _known() -> list[Processor]:
    """What every line carries, whoever wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendered(form: str) -> list[Processor]:
    """Tracebacks become text without the values of variables: those may be anybody's."""
    shared: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.StackInfoRenderer(), masked]
    if form == "json":
        return [*shared, structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)]
    return [*shared, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]


def masked(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A processor: no value keeps what looks like a key."""
    return {name: _masked(value) for name, value in event.items()}


def _masked(value: object, depth: int = 0) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth < _DEEPEST:
        return {str(name): _masked(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_masked(inner, depth + 1) for inner in value]
    return mask(value if isinstance(value, str) else repr(value))


def keep_short(path: Path, most: int) -> bool:
    """Move a log that grew over `most` bytes to its only older copy; whoever appends to it goes on at its beginning."""
    try:
        if path.stat().st_size <= most:
            return False
        path.with_suffix(".old.log").write_bytes(path.read_bytes())
        with path.open("r+b") as log:
            log.truncate(0)
    except OSError:
        return False
    return True
