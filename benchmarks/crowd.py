"""A table of downloads of many users, one of whom has a million of them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shelf import SCHEMA
from tests.support.postgres import Postgres
from tests.support.services import running

MINE = 1
SIZES = (1_000_000, 10_000_000)
ROWS_OF_MINE = 1_000_000

_FILL = Path(__file__).with_name("crowd.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A filled database."""

    postgres: Postgres
    url: str
    size: int

    def sql(self, sql: str) -> str:
        """Return what a statement says."""
        return self.postgres.run_sql(sql, database="bench")


@contextmanager
def open_crowd(size: int) -> Generator[Crowd]:
    """Yield a table of so many rows; those of ``MINE`` lie evenly between the others'."""
    postgres = Postgres()
    with running(postgres):
        crowd = Crowd(postgres=postgres, url=postgres.create_database("bench"), size=size)
        crowd.sql(SCHEMA.read_text(encoding="utf-8"))
        fill = _FILL.read_text(encoding="utf-8")
        crowd.sql(fill.replace(":rows", str(size)).replace(":every", str(size // ROWS_OF_MINE)))
        crowd.sql("VACUUM ANALYZE download_history")
        yield crowd
