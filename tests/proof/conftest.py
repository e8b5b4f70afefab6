"""The stations of the actors' tests, for the proof."""

from tests.actors.conftest import idle_station

__all__ = ["idle_station"]
