"""How a child process ends with the one that started it, however that ended."""

import contextlib
import os
import signal
import threading

PARENT = "AGON_PARENT_FD"


def end_with_parent() -> bool:
    """In a child: end the whole process group when the supervisor's pipe closes, however it ended. False without one."""
    handle = os.environ.get(PARENT)
    if handle is not None:
        threading.Thread(target=_wait_for_end, args=(int(handle),), daemon=True, name="parent-watch").start()
    return handle is not None


def _wait_for_end(handle: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(handle, 1):
            pass
    os.killpg(os.getpgrp(), signal.SIGKILL)
