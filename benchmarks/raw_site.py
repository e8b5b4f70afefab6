"""A site in a process of its own that sends one large file as fast as the kernel can."""

import multiprocessing
import os
import signal
import socket
import struct
from multiprocessing.synchronize import Event
from typing import Self

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"
)
# The long form of an MP4 box header, good for any size. Source: ISO/IEC 14496-12, 4.2.
_BOX_HEADER = struct.Struct(">I4sQ")
_PIECE_BYTES = 1 << 20


class RawSite:
    """Serves one video at every path: a small clip, made large by a box of nothing."""

    def __init__(self, clip: bytes, size_bytes: int) -> None:
        self._beginning = clip + _BOX_HEADER.pack(1, b"free", size_bytes - len(clip))
        self._size = size_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        context = multiprocessing.get_context("fork")
        self._ready: Event = context.Event()
        self._process = context.Process(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/large.mp4"

    def __enter__(self) -> Self:
        self._process.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._listener.close()

    def _serve(self) -> None:
        # Nobody asks how an answer ended.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self._ready.set()
        while True:
            client, _ = self._listener.accept()
            if os.fork() == 0:
                self._answer(client)
                os._exit(0)
            client.close()

    def _answer(self, client: socket.socket) -> None:
        try:
            client.recv(65_536)
            client.sendall(_HEAD.format(self._size).encode())
            piece, left = memoryview(bytes(_PIECE_BYTES)), self._size - len(self._beginning)
            client.sendall(self._beginning)
            while left > 0:
                left -= client.send(piece[:left])
            client.shutdown(socket.SHUT_WR)
            client.recv(1)
        except OSError:
            return
