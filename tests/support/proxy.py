"""A real forward proxy that asks for a password and keeps a journal."""

import json
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.support.certificates import Certificate
from tests.support.ports import free_port, is_listening
from tests.support.proxy_journal import JOURNAL, JournalPlugin
from tests.support.service import Service

_ROOT: Final = Path(__file__).parents[2]


@dataclass(slots=True, kw_only=True)
class Passage:
    """One request that the proxy let through.

    Attributes:
        method: CONNECT for a tunnel.
        path: Empty for a tunnel.
        bytes_received: From the far end so far, its headers included.
    """

    at: datetime
    method: str
    host: str
    port: int
    path: str
    bytes_received: int = 0


class ForwardProxy(Service):
    """A forward HTTP proxy with CONNECT; it answers 407 without the right password."""

    # proxy.py looks for SIGTERM once a second only, and has nothing to put in order.
    stop_signal = signal.SIGKILL

    def __init__(
        self,
        user: str = "user",
        password: str = "password",  # noqa: S107 - for tests
        tls: Certificate | None = None,
    ) -> None:
        super().__init__()
        self._tls = tls
        self.port = free_port()
        self.user = user
        self.password = password

    @property
    def url(self) -> str:
        """Its address with user and password."""
        return f"http://{self.user}:{self.password}@127.0.0.1:{self.port}"

    @property
    def url_without_password(self) -> str:
        """Its address for a client that it is to turn away."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def journal(self) -> tuple[Passage, ...]:
        """What went through since the proxy was made or told to forget, oldest first."""
        passages: list[Passage] = []
        latest: dict[str, Passage] = {}
        for line in self._journal_lines():
            if "bytes" in line:
                if line["id"] in latest:
                    latest[line["id"]].bytes_received += line["bytes"]
                continue
            passage = Passage(
                at=datetime.fromtimestamp(line["at"], tz=UTC),
                method=line["method"],
                host=line["host"],
                port=line["port"],
                path=line["path"],
            )
            latest[line["id"]] = passage
            passages.append(passage)
        return tuple(passages)

    def forget(self) -> None:
        """Empty the journal."""
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _journal_lines(self) -> list[dict[str, Any]]:
        try:
            written = (self.folder / JOURNAL).read_text()
        except FileNotFoundError:
            return []
        # The last line may be half written.
        return [json.loads(line) for line in written.split("\n")[:-1]]

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"PYTHONPATH": str(_ROOT)}

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(self.port)),
            *("--num-acceptors", "1", "--num-workers", "1", "--threaded", "--log-level", "w"),
            *("--basic-auth", f"{self.user}:{self.password}"),
            *("--plugins", f"{JournalPlugin.__module__}.{JournalPlugin.__qualname__}"),
            *self._tls_options(),
        ]

    def _tls_options(self) -> list[str]:
        if self._tls is None:
            return []
        return ["--cert-file", str(self._tls.certificate), "--key-file", str(self._tls.key)]

    def _answers(self) -> bool:
        return is_listening(self.port)
