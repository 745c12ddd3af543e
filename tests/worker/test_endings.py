"""A worker that its library gave up on ends, so that whoever watches over it starts another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.conftest import REDIS, missing
from tests.flows.running import clean_environment

BREAKS = """
import time
from celery.signals import task_received, worker_ready
from worker.main import celery

@celery.task(name="nap")
def nap():
    time.sleep(300)

def boom():
    raise AssertionError("what no worker recovers from")

@worker_ready.connect
def begin(sender, **kwargs):
    task_received.connect(lambda **kwargs: sender.hub.call_later(1.0, boom), weak=False)
    nap.apply_async(queue="calls")

celery.worker_main(["worker", "-P", "prefork", "-c", "1", "-Q", "calls", "--without-gossip", "--without-mingle"])
"""


@pytest.mark.slow
def test_an_error_that_celery_does_not_recover_from_ends_the_process_though_a_job_goes_on(tmp_path: Path) -> None:
    try:
        redis.Redis.from_url(REDIS).ping()
    except redis.ConnectionError:
        missing("Redis (TEST_REDIS_URL)")
    own = {"AGON_DATA_DIR": str(tmp_path / "data"), "REDIS_URL": REDIS, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", BREAKS], env={**clean_environment(), **own}, capture_output=True, text=True, timeout=60
    )
    assert "Unrecoverable error" in done.stdout + done.stderr
    assert done.returncode == 1
