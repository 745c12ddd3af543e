"""The embedded broker: Celery's filesystem transport, mended so that no message is read half written."""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Writes beside the place and renames in; the stock channel lets others see a file half written, or empty."""

    def _queue_bind(self, exchange: Any, routing_key: Any, pattern: Any, queue: Any) -> None:
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / ".lock").open("wb") as held:
            filesystem.lock(held, filesystem.LOCK_EX)
            binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
            table = self.get_table(exchange)
            if binding not in table:
                place = self._exchange_file(exchange)
                draft = place.with_suffix(".draft")
                draft.write_text(str(dumps([binding, *table])), encoding="utf-8")
                draft.replace(place)

    def get_table(self, exchange: Any) -> list[Any]:
        """Who listens; nobody, where a process was killed while it wrote the table in the stock way."""
        try:
            return list(super().get_table(exchange))
        except ValueError:
            return []

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        draft = folder / f".{name}.draft"
        draft.write_text(str(dumps(payload)), encoding="utf-8")
        os.replace(draft, folder / name)


class Transport(filesystem.Transport):
    Channel = Channel
