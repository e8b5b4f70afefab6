"""Questions, flights and answers for the tests of the parses."""

import itertools
from datetime import timedelta

from domain.failures import FailureCode
from domain.findings import Entry, Failure, Findings, Format
from storage.parses import Parses, Question

MINUTE = timedelta(minutes=1)
FOUND = Findings(
    title="Title",
    extractor="generic",
    duration_s=1.5,
    thumbnail=None,
    uploader="日本",
    webpage_url="https://video.example/1",
    live=False,
    formats=(Format(format_id="1", height=720),),
    entries=(Entry(url="https://video.example/2", title="Two"),),
)
FAILED = Failure(
    code=FailureCode.RATE_LIMITED, message="Later.", is_final=False, retry_after=MINUTE
)
_numbers = itertools.count()


def question(number: int = 1, user_id: int = 1) -> Question:
    url = f"https://video.example/{number}"
    return Question(url=url, user_id=user_id, new=f"flight-{next(_numbers)}")


async def board(parses: Parses) -> str:
    flight = await parses.board()
    assert flight is not None
    return flight.url
