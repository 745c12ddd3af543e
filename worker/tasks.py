"""What the queue can ask for: work on a job, and a look at what was lost or left lying about."""

from functools import cache

from celery import shared_task

from app.jobs import TICK, TIDY, WORK, Poker
from app.services.tidying import tidy
from app.services.working import lost_jobs, work
from app.settings import settings
from app.storage.session import Database


@cache
def database() -> Database:
    """This process's database, opened after the fork."""
    return Database(settings().effective_database_url)


@cache
def poker() -> Poker:
    return Poker(settings())


@shared_task(name=WORK)
def work_on(job_id: str) -> None:
    if work(database(), settings(), job_id):
        poker().poke(job_id)


@shared_task(name=TICK)
def tick() -> None:
    for job_id in lost_jobs(database()):
        poker().poke(job_id)


@shared_task(name=TIDY)
def tidy_up() -> None:
    tidy(database(), settings())
