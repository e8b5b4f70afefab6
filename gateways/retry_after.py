"""The header Retry-After."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after_text(error: BaseException) -> str | None:
    """Return the header of the response that an exception carries; None if there is none."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    text: object = None if headers is None else headers.get("Retry-After")
    return text if isinstance(text, str) else None


def parse_retry_after(text: str, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, never negative; None if it is neither.

    Source: RFC 9110, section 10.2.3: seconds, or an HTTP date.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
