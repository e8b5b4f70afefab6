"""What a personal API key may be used for."""

from enum import StrEnum


class Scope(StrEnum):
    """A part of the API that a key opens; what has no scope no key opens."""

    READ = "read"
    """History, downloads as they stand, the progress socket, the quota."""

    SUBMIT = "submit"
    """Submit, cancel, retry and delete downloads."""

    DELIVER = "deliver"
    """Files, archives, and tickets for them."""
