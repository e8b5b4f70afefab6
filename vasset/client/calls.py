"""One call of `get`: its board, its signals, its exit status."""

import asyncio
import os
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from vasset import faults
from vasset.client.boards import JsonLines, Lines
from vasset.client.events import Board
from vasset.client.getting import Getting, Wanted
from vasset.client.places import Asked, opened
from vasset.faults import CommandError


def run(asked: Asked, wanted: Wanted, *, as_json: bool) -> int:
    """Get what is wanted and return the exit status: 0 if every file arrived and matched.

    Raises:
        CommandError: There is no server to ask, or nothing can be saved there.
        KeyboardInterrupt: Somebody asked to stop; how to go on has been told.
    """
    _make_ready(wanted.folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # In good order, as with Ctrl-C: a server that was started for the call must end.
        signal.signal(number, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    with opened(asked, starts=True) as place, _board(wanted, as_json=as_json) as board:
        getting = Getting(place, wanted, board)
        try:
            asyncio.run(getting.run())
        except KeyboardInterrupt:
            _tell_how_to_go_on(getting)
            raise
    return 0 if getting.is_well else 1


def _board(wanted: Wanted, *, as_json: bool) -> AbstractContextManager[Board]:
    if as_json:
        return nullcontext(JsonLines())
    if not (wanted.is_awaited and sys.stdout.isatty()):
        return nullcontext(Lines(gives_ids=not wanted.is_awaited))
    from vasset.client.bars import Bars  # noqa: PLC0415 - only a terminal needs it

    return Bars()


def _tell_how_to_go_on(getting: Getting) -> None:
    if getting.unfinished:
        ids = " ".join(map(str, getting.unfinished))
        where = "when the server runs again" if getting.place.is_local else "at the server"
        faults.say(f"stopped; what was accepted goes on {where}: `vasset get {ids}` saves it")


def _make_ready(folder: Path) -> None:
    """Make the folder if it is not there.

    Raises:
        CommandError: It cannot be made, or takes no files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot save into {folder}: {error.strerror}"
        raise CommandError(message) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"cannot save into {folder}: it takes no files"
        raise CommandError(message)
