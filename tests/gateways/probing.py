"""A probe in a child's place: it does what a captured child would, and tells how far it came."""

from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from domain.failures import CorruptError, UnsupportedSiteError
from gateways.ytdlp.runner import Runner
from tests.support.fetching import ignore, order

# The address that is asked for carries what to do. The result is left where a video would be.
_WORK = """
import sys
sys.path.append(sys.argv.pop(1))
from gateways.ytdlp import cage, seccomp
from gateways.ytdlp.protocol import Done
from gateways.ytdlp.server import main


def probe(start, gate, tell):
    import base64
    code = base64.urlsafe_b64decode(start.order.wish.url.rpartition("/")[2]).decode()
    names = {"gate": gate, "start": start}
    try:
        exec(code, names)
        came = repr(names["came"])
    except BaseException as error:
        came = f"{type(error).__name__}: {error}"
    with open("media.mp4", "w") as file:
        file.write(came)
    return Done(title="", extractor="", webpage_url=None, thumbnail=None, duration_s=None)

"""
PROBE = _WORK + "main(probe)\n"
PROBE_WITHOUT_NAMESPACES = (
    _WORK
    # As in a container whose engine refuses new namespaces: by a filter of system calls.
    + "cage.forbid_new_privileges()\nseccomp.forbid_calls()\nmain(probe)\n"
)


async def probed(runner: Runner, staging: Path, code: str) -> str:
    """Run a code in a child; return what it left in ``came``, or the error that stopped it."""
    url = f"http://probe.example/{urlsafe_b64encode(code.encode()).decode()}"
    # Text where a video would be, or something beside it.
    with pytest.raises((CorruptError, UnsupportedSiteError)):
        await runner.fetch(order(url, staging), ignore)
    return (staging / "media.mp4").read_text(encoding="utf-8")
