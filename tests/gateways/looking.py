"""A child in a look's place: it does what a captured one would, and tells how far it came."""

from base64 import urlsafe_b64encode
from datetime import timedelta

from domain.findings import Findings
from gateways.ytdlp.looking import LookOrder
from gateways.ytdlp.runner import Runner
from tests.support.fetching import lease_of

# The address that is asked for carries what to do. The result comes back as the title.
PROBE = """
import sys
sys.path.append(sys.argv.pop(1))
from domain.findings import Entry, Format
from gateways.ytdlp.findings import Found
from gateways.ytdlp.server import main


def probe(look, gate, tell):
    import base64
    code = base64.urlsafe_b64decode(look.url.rpartition("/")[2]).decode()
    names = {"gate": gate, "look": look, "tell": tell, "Entry": Entry, "Format": Format}
    try:
        exec(code, names)
        came = repr(names.get("came"))
    except BaseException as error:
        came = f"{type(error).__name__}: {error}"
    return Found(
        title=came, extractor="", duration_s=None, thumbnail=None, uploader=None,
        webpage_url=None, live=False, is_list=names.get("is_list", False),
    )


main(probe)
"""


def look_order(url: str, *, time_limit_s: float = 60, max_entries: int = 5) -> LookOrder:
    """Return an order that goes out directly."""
    return LookOrder(
        url=url,
        lease=lease_of(None),
        time_limit=timedelta(seconds=time_limit_s),
        max_entries=max_entries,
    )


async def probed(runner: Runner, code: str) -> Findings:
    """Run a code in a child that looks; its title is what the code left in ``came``."""
    url = f"http://probe.example/{urlsafe_b64encode(code.encode()).decode()}"
    return await runner.look(look_order(url))
