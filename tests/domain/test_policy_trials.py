"""Whom the death of a process is blamed on: any schedule of poisons, innocents and operators."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.policy import MAX_CRASHES, MAX_LONE_CRASHES, is_given_up, trial_delay

SLOTS = 3
MOST_DEATHS = MAX_CRASHES - 1
"""Of whole workers: by the first deed of each poison, and by operators."""


@dataclass(slots=True, kw_only=True)
class Suspect:
    """A download, by what a sweep knows of it."""

    is_poison: bool
    crashes: int = 0
    lone_crashes: int = 0
    is_done: bool = False

    @property
    def has_failed(self) -> bool:
        return is_given_up(crashes=self.crashes, lone_crashes=self.lone_crashes)

    @property
    def waits(self) -> bool:
        return not (self.is_done or self.has_failed)


@dataclass(slots=True)
class Node:
    """A worker with its slots, and the process of its own that one suspect may have."""

    downloads: list[Suspect]
    held: list[Suspect] = field(default_factory=list[Suspect])
    tried: Suspect | None = None

    def start(self) -> None:
        """Fill the slots with what is under no suspicion, and try one that is."""
        waiting = [each for each in self.downloads if each.waits and each not in self.held]
        fresh = [each for each in waiting if not each.crashes]
        self.held += fresh[: SLOTS - len(self.held)]
        suspects = [each for each in waiting if each.crashes and each is not self.tried]
        if self.tried is None and suspects:
            self.tried = min(suspects, key=lambda each: each.crashes)

    def die(self) -> None:
        """Let the whole worker die; its child dies with it, and nobody sees of what."""
        for each in [*self.held, *([self.tried] if self.tried else [])]:
            each.crashes += 1
        self.held, self.tried = [], None

    def work(self, index: int) -> None:
        """Let one of the running downloads come to its end, or to its deed."""
        running = [*self.held, *([self.tried] if self.tried else [])]
        if not running:
            return
        one = running[index % len(running)]
        if not one.is_poison:
            one.is_done = True
            self.held = [each for each in self.held if each is not one]
            self.tried = None if one is self.tried else self.tried
        elif one is self.tried:
            one.crashes += 1
            one.lone_crashes += 1
            self.tried = None
        else:
            self.die()


@settings(max_examples=300, deadline=None)
@given(
    poisons=st.lists(st.booleans(), min_size=1, max_size=8).filter(lambda all_: sum(all_) <= 4),
    deeds=st.lists(st.integers(0, 7), max_size=60),
    kills=st.lists(st.integers(0, 59), max_size=MOST_DEATHS - 4, unique=True),
)
def test_only_who_kills_alone_is_given_up(
    poisons: list[bool], deeds: list[int], kills: list[int]
) -> None:
    downloads = [Suspect(is_poison=is_poison) for is_poison in poisons]
    node = Node(downloads)

    for step, deed in enumerate(deeds):
        node.start()
        if step in kills:
            node.die()
        else:
            node.work(deed)
        # No suspect shares a process with another, so an innocent one never dies alone.
        assert not any(each.has_failed for each in downloads if not each.is_poison)
    for step in range(len(downloads) * (MAX_CRASHES + 1) * 2):
        node.start()
        node.work(step)

    assert all(each.has_failed if each.is_poison else each.is_done for each in downloads)
    assert all(each.lone_crashes <= MAX_LONE_CRASHES for each in downloads)


def test_a_long_download_goes_on_although_its_worker_is_killed_again_and_again() -> None:
    assert not is_given_up(crashes=MAX_CRASHES - 1, lone_crashes=MAX_LONE_CRASHES - 1)


def test_what_takes_the_whole_machine_down_does_so_ever_more_rarely_and_not_for_ever() -> None:
    minutes = [trial_delay(crashes).total_seconds() / 60 for crashes in range(1, MAX_CRASHES)]

    assert minutes == [0, 0, 0, 1, 2, 4, 8, 16, 32]
    assert is_given_up(crashes=MAX_CRASHES, lone_crashes=0)
