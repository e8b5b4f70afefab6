"""Beliefs: what the sockets of a user take for true of the downloads that have not ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.states import Status
from storage.db import Row


@dataclass(slots=True, kw_only=True)
class Belief:
    """Where a download stands, as it was told.

    Attributes:
        percent: The most that was told of this attempt.
    """

    status_code: int
    stage: str
    attempt: int
    percent: float = 0.0


class Beliefs:
    """Of each download the newest that was told."""

    def __init__(self) -> None:
        self._beliefs: dict[int, Belief] = {}

    def __contains__(self, history_id: int) -> bool:
        return history_id in self._beliefs

    def __iter__(self) -> Iterator[int]:
        return iter(self._beliefs)

    def forget(self, history_id: int) -> None:
        """Believe nothing of a download any more."""
        self._beliefs.pop(history_id, None)

    def take(self, state: Mapping[str, Any]) -> None:
        """Take a state for true; of a download that has ended nothing more is believed."""
        if not Status(state["status_code"]).is_active:
            self.forget(state["history_id"])
            return
        belief = Belief(
            status_code=state["status_code"], stage=state["stage"], attempt=state["attempt"]
        )
        before = self._beliefs.get(state["history_id"])
        if before is not None and before.attempt == belief.attempt:
            belief.percent = before.percent
        self._beliefs[state["history_id"]] = belief

    def take_figures(self, progress: dict[str, Any]) -> bool:
        """Let the percent not fall within an attempt; return False if this attempt is not on."""
        belief = self._beliefs.get(progress["history_id"])
        if belief is None or belief.status_code != Status.RUNNING:
            return False
        if progress["attempt"] != belief.attempt:
            return False
        if progress.get("percent") is not None:
            belief.percent = progress["percent"] = max(progress["percent"], belief.percent)
        return True

    def agrees(self, row: Row) -> bool:
        """Return whether a row says what is believed; one that has ended must not be."""
        belief = self._beliefs.get(row["history_id"])
        if belief is None:
            return not Status(row["status"]).is_active
        return (belief.status_code, belief.stage) == (row["status"], row["stage"])
