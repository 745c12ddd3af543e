"""Starts the Celery worker of one pool: `python -m worker --help`.

Celery's own command would load what only its other commands need, 10 MB in each process of the pool.
"""

import argparse
import sys

from celery.utils.nodenames import default_nodename, host_format

from worker.main import celery


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worker", description="One pool of worker processes.")
    parser.add_argument("--pool", required=True, help="its name, which stands before the host's")
    parser.add_argument("--queue", required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument("--schedule", default="", help="a file: this pool also has the clock that ticks")
    chosen = parser.parse_args()
    celery.set_default()
    worker = celery.Worker(
        hostname=host_format(default_nodename(f"{chosen.pool}@%h")),
        pool_cls="prefork",
        concurrency=chosen.processes,
        queues=chosen.queue,
        loglevel=chosen.log_level,
        beat=bool(chosen.schedule),
        schedule_filename=chosen.schedule,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.start()
    sys.exit(worker.exitcode)


if __name__ == "__main__":
    main()
