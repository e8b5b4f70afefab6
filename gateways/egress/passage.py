"""A passage: what one download may do at the gate, and what became of it there."""

import secrets
from base64 import b64encode
from datetime import timedelta
from hmac import compare_digest

from domain.download import ProxyLease
from domain.failures import DownloadError, PermanentError, TooLargeError

USER = "job"
"""The user's name of every passage; its token is the password."""

_SPARE_BYTES = 16 * 1024 * 1024


class Passage:
    """The right of one download to go out through one lease, until its budget is spent.

    Args:
        lease: The proxy that everything goes through; its password never leaves this process.
        max_bytes: Of the finished file. A sixteenth and 16 MiB more may pass, for pages, headers
            and repeats; both directions count.
        patience: A connection on which nothing moves for so long is cut.

    Attributes:
        token: What the child shows at the gate; good for this passage alone. A secret.
        fault: The gravest thing that went wrong here, or None.
        moved_bytes: Both ways so far.
    """

    def __init__(self, lease: ProxyLease, *, max_bytes: int, patience: timedelta) -> None:
        self.lease = lease
        self.patience = patience
        self.token = secrets.token_urlsafe(24)
        self.fault: DownloadError | None = None
        self.moved_bytes = 0
        self._budget = max_bytes + max_bytes // 16 + _SPARE_BYTES
        self._credentials = b"Basic " + b64encode(f"{USER}:{self.token}".encode())

    def admits(self, credentials: bytes) -> bool:
        """Whether the value of a Proxy-Authorization header is this passage's."""
        return compare_digest(credentials, self._credentials)

    def count(self, size_bytes: int) -> None:
        """Take bytes from the budget.

        Raises:
            TooLargeError: It is spent.
        """
        self.moved_bytes += size_bytes
        if self.moved_bytes > self._budget:
            raise TooLargeError

    def note(self, error: DownloadError) -> None:
        """Remember what went wrong; what no retry could mend is never forgotten for less."""
        if not isinstance(self.fault, PermanentError):
            self.fault = error
