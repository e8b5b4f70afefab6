"""The real services, and several of them at once."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.support.parts import MissingPartError
from tests.support.postgres import Postgres
from tests.support.rabbit import Rabbit
from tests.support.service import Service
from tests.support.valkey import Valkey

__all__ = ["MissingPartError", "Postgres", "Rabbit", "Service", "Valkey", "running"]


@contextmanager
def running(*services: Service) -> Generator[None]:
    """Start services side by side; at the end all of them are gone.

    Raises:
        RuntimeError: One did not start; the others are ended then too.
    """
    with ThreadPoolExecutor(max_workers=len(services)) as pool:
        try:
            for start in [pool.submit(service.start) for service in services]:
                start.result()
            yield
        finally:
            for end in [pool.submit(service.close) for service in services]:
                end.result()
