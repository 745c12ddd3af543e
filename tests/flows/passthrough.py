"""A pass-through in front of the practice server that counts what the wire saw, and outlives its kills."""

import asyncio
import threading
from contextlib import suppress

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class PassThrough:
    """Forwards HTTP/1.1 to a loopback port and counts chat completions. Use it as a context manager."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream, self.seen, self.port = upstream_port, 0, 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> "PassThrough":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
            try:
                while await self._exchange((reader, writer), upstream):
                    pass
            finally:
                upstream[1].close()
        writer.close()

    async def _exchange(self, client: Stream, upstream: Stream) -> bool:
        request = await self._message(client[0])
        if request.startswith(b"POST /v1/chat/completions"):
            self.seen += 1
        upstream[1].write(request)
        await upstream[1].drain()
        client[1].write(await self._message(upstream[0]))
        await client[1].drain()
        return True

    @staticmethod
    async def _message(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await reader.readexactly(int(line.split(b":")[1]))
        return head
