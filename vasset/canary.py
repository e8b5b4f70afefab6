"""A new version of yt-dlp, installed beside the others and tried before anybody depends on it."""

import asyncio
import hashlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

from domain.addresses import AddressPolicy
from domain.download import ProxyLease
from domain.failures import DownloadError
from domain.requests import Wish, check_url
from gateways.egress.gate import Gate
from gateways.egress.judge import Judge
from gateways.ytdlp.options import FetchLimits, FetchOrder, Tools
from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Sandbox
from gateways.ytdlp.versions import FLOOR, Version, Versions
from runtime import logs, tools
from runtime.services import policy_of
from runtime.settings import Settings
from vasset.faults import CommandError

_INSTALL_TIMEOUT_S = 300
_LIMITS = FetchLimits(
    max_bytes=1 << 30,
    time_limit=timedelta(minutes=5),
    stall_timeout=timedelta(seconds=30),
    connections=1,
    spare_children=1,
)
_ONLY_OURSELVES = AddressPolicy(
    allow_private=(ip_network("127.0.0.1/32"),), ports=(), deny_hosts=()
)


def install(versions: Versions, wanted: str | None) -> Version:
    """Return a version that was installed into a folder of its own; nothing uses it yet.

    Args:
        wanted: Its number; None for the newest.

    Raises:
        CommandError: It cannot be installed, or has known holes.
    """
    if wanted is not None:
        _check_floor(Version(number=wanted, folder=None))
    draft = versions.draft()
    spec = "yt-dlp[default]" if wanted is None else f"yt-dlp[default]=={wanted}"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    try:
        done = subprocess.run(  # noqa: S603 - our own Python's pip
            [*pip, "--target", str(draft), spec],
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"pip did not install {spec} within {_INSTALL_TIMEOUT_S} s"
        raise CommandError(message) from error
    if done.returncode != 0:
        told = done.stderr.strip().splitlines() or ["it says nothing"]
        message = f"pip cannot install {spec}: {told[-1]}"
        raise CommandError(message)
    try:
        version = versions.adopt(draft)
    except ValueError as error:
        raise CommandError(str(error)) from error
    _check_floor(version)
    return version


def _check_floor(version: Version) -> None:
    if not version.is_sound:
        floor = ".".join(map(str, FLOOR))
        message = f"yt-dlp {version.number} has known holes; {floor} is the oldest that is used"
        raise CommandError(message)


def try_out(settings: Settings, version: Version, url: str | None) -> None:
    """Do nothing if a version fetches, in the sandbox and through the gate, what it should.

    Args:
        url: Of a real video, fetched straight from this machine's own address; None for none.

    Raises:
        CommandError: It does not; the version that is used stays.
    """
    # What the gate and the runner tell is for a worker's log.
    logs.configure(settings.log.model_copy(update={"level": "error"}), part="canary")
    try:
        asyncio.run(_try_out(settings, version, url))
    except DownloadError as error:
        message = f"yt-dlp {version.number} failed its trial ({error}); the one before stays"
        raise CommandError(message) from error


async def _try_out(settings: Settings, version: Version, url: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="vasset-") as name:
        made, staging = Path(name) / "made", Path(name) / "fetched"
        made.mkdir()
        staging.mkdir()
        _make_clip(made / "canary.mp4")
        with _served(made) as port:
            ours = f"http://127.0.0.1:{port}/canary.mp4"
            fetched = await _fetched(settings, version, ours, staging, _ONLY_OURSELVES)
        if _digest(fetched) != _digest(made / "canary.mp4"):
            message = f"yt-dlp {version.number} fetched something else than was sent"
            raise CommandError(message)
        if url is not None:
            staging = Path(name) / "real"
            staging.mkdir()
            await _fetched(settings, version, check_url(url), staging, policy_of(settings))


async def _fetched(
    settings: Settings, version: Version, url: str, staging: Path, policy: AddressPolicy
) -> Path:
    runner = Runner(
        _LIMITS,
        Tools(ffmpeg=tools.find_ffmpeg(), js_runtime=tools.find_js_runtime()),
        Gate(Judge(policy)),
        sandbox=Sandbox(settings.egress.sandbox),
        versions=_Only(version),
    )
    try:
        lease = ProxyLease(url=None, exit_name="direct")
        order = FetchOrder(wish=Wish(url=url), staging=staging, lease=lease)
        return (await runner.fetch(order, lambda _: None)).path
    finally:
        await runner.close()


class _Only(Versions):
    """The one version that is tried."""

    def __init__(self, version: Version) -> None:
        super().__init__(Path())
        self._version = version

    def current(self) -> Version:
        """Return it."""
        return self._version


def _make_clip(file: Path) -> None:
    ffmpeg = tools.find_ffmpeg()
    if ffmpeg is None:
        message = "ffmpeg is missing: see `vasset doctor`"
        raise CommandError(message)
    source = ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x64:rate=10"]
    subprocess.run(  # noqa: S603 - the program that downloads run as well
        [str(ffmpeg), "-nostdin", "-v", "error", *source, "-c:v", "mpeg4", str(file)], check=True
    )


@contextmanager
def _served(folder: Path) -> Generator[int]:
    """Serve a folder on loopback; yield the port."""
    serve = partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
