"""Numbers for monitoring, each a sum that is kept: nothing here counts rows of the log of calls."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.storage import heartbeats, operations, spend, traffic
from app.storage.base import now


@dataclass(frozen=True)
class Sample:
    """One value of one metric, with its labels."""

    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """`counter` metrics only ever rise."""

    name: str
    about: str
    labels: tuple[str, ...]
    samples: list[Sample]
    counter: bool = False


def metrics(session: Session) -> Iterator[Metric]:
    yield from _jobs(session)
    living = heartbeats.alive_by_role(heartbeats.beats(session))
    yield Metric("agon_workers", "Living workers that take the jobs of a role", ("role",), _by_label(living))
    campaigns = operations.open_campaigns(session)
    yield Metric("agon_campaigns", "Campaigns that have not ended", ("status",), _by_label(campaigns))
    last = traffic.latest(session, 1)[0]
    calls = [Sample(last.calls - last.failed, ("true",)), Sample(last.failed, ("false",))]
    yield Metric("agon_calls_last_minute", "Calls that came back in the last whole minute", ("ok",), calls)
    yield from _spending(list(spend.samples(session)))


def _by_label(counts: dict[str, int]) -> list[Sample]:
    return [Sample(count, (name,)) for name, count in counts.items()]


def _jobs(session: Session) -> Iterator[Metric]:
    depths = operations.depths(session)
    states = ("due", "running", "lost", "waiting")
    counts = [Sample(getattr(depth, state), (depth.kind, state)) for depth in depths for state in states]
    yield Metric("agon_jobs", "Jobs that are not done", ("kind", "status"), counts)
    ages = [(now() - depth.oldest_due).total_seconds() for depth in depths if depth.oldest_due]
    oldest = [Sample(max([0.0, *ages]))]
    yield Metric("agon_oldest_due_job_seconds", "How long the first due job has waited for a worker", (), oldest)


def _spending(found: list[spend.Sample]) -> Iterator[Metric]:
    calls, tokens, cost = [], [], []
    for one in found:
        labels = (one.endpoint, one.purpose)
        calls += [Sample(one.calls - one.failed, (*labels, "true")), Sample(one.failed, (*labels, "false"))]
        tokens += [Sample(one.tokens_in, (*labels, "in")), Sample(one.tokens_out, (*labels, "out"))]
        cost.append(Sample(one.cost / 1_000_000, labels))
    about = ("endpoint", "purpose")
    yield Metric("agon_calls", "Calls that were bought", (*about, "ok"), calls, counter=True)
    yield Metric("agon_tokens", "Tokens that were bought", (*about, "direction"), tokens, counter=True)
    yield Metric("agon_cost", "Money that calls of known price have cost", about, cost, counter=True)
