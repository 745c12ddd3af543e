"""The embedded broker: Celery's filesystem transport, mended so that no message is read half written."""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Writes a message beside the queue and renames it in; the stock channel lets readers see half a file."""

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        draft = folder / f".{name}.draft"
        draft.write_text(str(dumps(payload)), encoding="utf-8")
        os.replace(draft, folder / name)


class Transport(filesystem.Transport):
    Channel = Channel
