"""The plugin inside the forward proxy that writes down what goes through it."""

import json
import time
from pathlib import Path
from typing import Final

from proxy.http.parser import HttpParser
from proxy.http.proxy import HttpProxyBasePlugin

#: In the working folder of the proxy's process; one JSON object on a line.
JOURNAL: Final = "journal.jsonl"


class JournalPlugin(HttpProxyBasePlugin):
    """Writes a line for each request that is let through and for each piece of its answer."""

    def handle_client_request(self, request: HttpParser) -> HttpParser | None:
        """Write the request down and make it the only one of its connection."""
        _write(
            {
                "id": self.uid,
                "at": time.time(),
                "method": _text(request.method),
                "host": _text(request.host),
                "port": request.port,
                "path": _text(request.path),
            }
        )
        # proxy.py sends every later request of a connection to the first one's host.
        if not request.is_https_tunnel:
            request.del_headers([b"connection"])
            request.add_headers([(b"Connection", b"close")])
        return request

    def handle_upstream_chunk(self, chunk: memoryview) -> memoryview | None:
        """Write down how much came back."""
        _write({"id": self.uid, "bytes": len(chunk)})
        return chunk


def _text(value: bytes | None) -> str:
    return (value or b"").decode("latin-1")


def _write(line: dict[str, str | int | float | None]) -> None:
    # One write in append mode, because each connection has its thread.
    with Path(JOURNAL).open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")
