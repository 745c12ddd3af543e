"""The embedded broker under several processes at once: nothing is read half written, nothing gets lost."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.connection import Connection


@contextmanager
def channel(folder: Path) -> Iterator[Any]:
    """One process's way to the broker in this folder."""
    places = {"data_folder_in": folder / "queue", "data_folder_out": folder / "queue", "control_folder": folder / "c"}
    for place in places.values():
        place.mkdir(exist_ok=True)
    options = {name: str(place) for name, place in places.items()}
    with Connection("filesystem://", transport="worker.filebroker:Transport", transport_options=options) as connection:
        yield connection.channel()


def test_those_who_bind_at_once_are_all_in_the_table(tmp_path: Path) -> None:
    def bind(number: int) -> None:
        with channel(tmp_path) as mine:
            mine._queue_bind("work", "", "", f"queue-{number}")
            mine._queue_bind("work", "", "", f"queue-{number}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(bind, range(48)))
    with channel(tmp_path) as mine:
        assert sorted(entry.queue for entry in mine.get_table("work")) == sorted(f"queue-{n}" for n in range(48))


def test_a_table_that_a_killed_process_left_empty_is_written_anew(tmp_path: Path) -> None:
    with channel(tmp_path) as mine:
        mine._exchange_file("work").write_text("")
        mine._queue_bind("work", "", "", "queue")
        assert [entry.queue for entry in mine.get_table("work")] == ["queue"]


def test_every_message_arrives_whole_and_once(tmp_path: Path) -> None:
    def send(number: int) -> None:
        with channel(tmp_path) as mine:
            for part in range(20):
                mine._put("work", {"text": f"{number}-{part}" * 2000})

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, number) for number in range(8)]
        got: list[str] = []
        with channel(tmp_path) as mine:
            while len(got) < 160 and not (all(one.done() for one in sent) and not os.listdir(tmp_path / "queue")):
                try:
                    got.append(mine._get("work")["text"])
                except Empty:
                    continue
    assert sorted(got) == sorted(f"{number}-{part}" * 2000 for number in range(8) for part in range(20))
