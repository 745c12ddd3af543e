"""What the queue can ask for: work on a job, on blocks of calls, and a look at what was lost.

Each task imports its work when it is first asked for: a process that answers blocks never needs what drivers need.
"""

from collections.abc import Iterable
from functools import cache

from celery import shared_task

from app.jobs import CALLS, TICK, TIDY, WORK, Poker
from app.settings import settings
from app.storage.jobs import Nudge, this_process
from app.storage.session import Database


@cache
def database() -> Database:
    """This process's database, opened after the fork."""
    return Database(settings().effective_database_url)


@cache
def poker() -> Poker:
    return Poker(settings())


def poke(nudges: Iterable[Nudge]) -> None:
    for nudge in nudges:
        poker().poke(nudge.job_id, nudge.kind)


@shared_task(name=WORK)
def work_on(job_id: str) -> None:
    from app.services.working import work

    poke(work(database(), settings(), job_id))


@shared_task(name=CALLS)
def answer_blocks(job_id: str) -> None:
    """The job says only that there is something to do; the most urgent block is taken first."""
    from app.services.blocks import work

    poke(work(database(), settings(), this_process()))


@shared_task(name=TICK)
def tick() -> None:
    from app.services.ticking import lost_jobs

    poke(lost_jobs(database()))


@shared_task(name=TIDY)
def tidy_up() -> None:
    from app.services.tidying import tidy

    tidy(database(), settings())
