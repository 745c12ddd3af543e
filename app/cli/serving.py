"""Starts the practice server: the one place outside it that knows it."""

from app.ending import end_with_parent
from app.practice.server import serve
from app.practice.troubles import Options


def serve_practice(
    host: str,
    port: int,
    latency: float,
    rate_limited: float,
    retry_after: float,
    failing: float,
    hanging: float,
    broken: float,
) -> None:
    end_with_parent()
    serve(host, port, Options(latency, rate_limited, retry_after, failing, hanging, broken))
