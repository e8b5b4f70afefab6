"""What a captured child can do: nothing. Each row is one way out that must be shut."""

import json
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateways.ytdlp.runner import Runner
from gateways.ytdlp.sandbox import Level, Sandbox, SandboxMissingError
from tests.gateways.probing import PROBE, PROBE_WITHOUT_NAMESPACES, probed
from tests.support.fetching import processes_in, running
from tests.support.sink import Sink

SYSCALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return os.strerror(ctypes.get_errno()) if result == -1 else "done"
"""

FILES = {
    "the list of people": "came = open('/etc/passwd').read()",
    "the machine's name": "came = open('/etc/hostname').read()",
    "the top folder": "import os; came = os.listdir('/')",
    "the folder above": "import os; came = os.listdir('..')",
    "another download's file": "came = open('{victim}').read()",
    "another's file by a link": "import os; os.symlink('{victim}', 'l'); came = open('l').read()",
    "another's file by a hard link": "import os; os.link('{victim}', 'media.mkv'); came = 1",
    "one's own environment": "came = open('/proc/self/environ').read()",
    "the worker's environment": "came = open('/proc/{runner}/environ').read()",
    "the worker's memory": "came = open('/proc/{runner}/mem', 'rb').read(1)",
    "a file in /tmp": "came = open('/tmp/vasset-breakout', 'w')",
    "a file beside the code": "came = open('{code}/breakout.py', 'w')",
    "a pipe with a name": "import os; came = os.mkfifo('pipe')",
    "a device": "import os, stat; came = os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(8, 0))",
    "a file of a terabyte": "f = open('big', 'wb'); came = f.truncate(1 << 40)",
    "a file larger than allowed": "came = open('big', 'wb').write(bytes(6_000_000))",
}
NET = {
    "this machine's loopback": "came = socket.create_connection(('127.0.0.1', {port}), 2)",
    "its other loopback": "came = socket.create_connection(('127.0.0.9', {port}), 2)",
    "a private net": "came = socket.create_connection(('10.0.0.1', 80), 2)",
    "cloud metadata": "came = socket.create_connection(('169.254.169.254', 80), 2)",
    "the Internet": "came = socket.create_connection(('93.184.216.34', 443), 2)",
    "a name": "came = socket.create_connection(('example.com', 443), 2)",
    "datagrams": "came = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a server's socket by path": "s = socket.socket(socket.AF_UNIX); came = s.connect('{unix}')",
    "an abstract socket": "s = socket.socket(socket.AF_UNIX); came = s.connect('\\0{abstract}')",
    "a pair that is sent elsewhere": "came = socket.socketpair(type=socket.SOCK_DGRAM)",
    "the kernel's tables": "came = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "raw packets": "came = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "raw addresses": "came = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
}
KERNEL = {
    "a shell": "import subprocess; came = subprocess.run(['/bin/sh', '-c', 'id'])",
    "another Python": "import subprocess, sys; came = subprocess.run([sys.executable, '-V'])",
    "a program of its own": (
        "import os, subprocess; open('x', 'w').write('#!/bin/sh\\n'); os.chmod('x', 0o755);"
        "came = subprocess.run(['./x'])"
    ),
    "the server's signals": "import os; came = os.kill({runner}, 0)",
    "two gigabytes of memory": "came = len(bytearray(2 << 30))",
}
CALLS = {
    "a new user": "came = os.setuid(12345)",
    "a new namespace": "came = call(272, 0x10000000)",
    "another namespace": "came = call(308, 0, 0)",
    "a mount": "came = call(165, b'none', b'.', b'tmpfs', 0, 0)",
    "tracing": "came = call(101, 16, 1, 0, 0)",
    "io_uring": "came = call(425, 8, ctypes.create_string_buffer(120))",
    "the keyring": "came = call(250, 0, -3, 0)",
    "BPF": "came = call(321, 0, 0, 0)",
    "fork into a namespace": "came = call(56, 0x10000011, 0, 0, 0, 0)",
    "a new root": "came = call(161, b'.')",
    "user faults": "came = call(323, 0)",
    "counters": "came = call(298, 0, 0, -1, -1, 0)",
    "another's files by handle": "came = call(304, 0, 0, 0)",
}
SHUT = (
    *("PermissionError", "OSError", "FileNotFoundError", "gaierror", "ConnectionRefusedError"),
    *("ProcessLookupError", "MemoryError", "'Operation not permitted'", "TimeoutError"),
)


@pytest.fixture(scope="module")
async def captured() -> AsyncGenerator[Runner]:
    async with running(program=PROBE) as runner:
        yield runner


@pytest.fixture(scope="module")
async def captured_without_namespaces() -> AsyncGenerator[Runner]:
    async with running(program=PROBE_WITHOUT_NAMESPACES, sandbox=Sandbox.PREFER) as runner:
        yield runner


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "1.1"
    folder.mkdir()
    return folder


def places(tmp_path: Path) -> dict[str, object]:
    victim = tmp_path / "victim" / "7"
    victim.parent.mkdir()
    victim.write_text("another's video")
    code = Path(__file__).parents[2]
    return {"victim": victim, "runner": os.getpid(), "code": code}


@pytest.mark.parametrize("way", FILES)
async def test_no_file_but_its_own(
    captured: Runner, staging: Path, tmp_path: Path, way: str
) -> None:
    came = await probed(captured, staging, FILES[way].format(**places(tmp_path)))

    assert came.startswith(SHUT)
    assert "another's video" not in came


@pytest.mark.parametrize("way", NET)
async def test_no_net_but_the_gate(
    captured: Runner, staging: Path, tmp_path: Path, way: str
) -> None:
    listening = tmp_path / "server.sock"
    name = f"vasset-test-{os.getpid()}"
    with (
        Sink() as sink,
        socket.socket(socket.AF_UNIX) as path,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        path.bind(str(listening))
        path.listen()
        abstract.bind("\0" + name)
        abstract.listen()
        code = "import socket\n" + NET[way].format(port=sink.port, unix=listening, abstract=name)
        came = await probed(captured, staging, code)

    assert came.startswith(SHUT)
    assert sink.callers == []


@pytest.mark.parametrize("way", KERNEL)
async def test_no_program_and_no_more_than_its_share(
    captured: Runner, staging: Path, way: str
) -> None:
    came = await probed(captured, staging, KERNEL[way].format(runner=os.getpid()))

    assert came.startswith(SHUT)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86-64")
@pytest.mark.parametrize("way", CALLS)
async def test_none_of_the_kernels_rarer_doors(captured: Runner, staging: Path, way: str) -> None:
    came = await probed(captured, staging, SYSCALL + CALLS[way])

    assert came.startswith(SHUT)


async def test_it_knows_nothing_that_could_be_stolen(captured: Runner, staging: Path) -> None:
    came = await probed(
        captured,
        staging,
        "import json, os, sys\nopen_files = []\n"
        "for n in range(256):\n"
        "    try: os.fstat(n); open_files.append(n)\n"
        "    except OSError: pass\n"
        "came = json.dumps([dict(os.environ), sys.argv, len(open_files), os.getpid()])",
    )
    environment, arguments, open_files, pid = json.loads(came.strip("'"))

    assert set(environment) == {"PATH", "LANG", "HOME", "TMPDIR", "DENO_DIR", "YTDLP_NO_PLUGINS"}
    assert environment["HOME"] == str(staging / "home")
    assert not any("@" in one for one in arguments)
    # Nowhere three times, the channel, and what tells its programs of its death.
    assert open_files <= 6
    assert pid == 1


async def test_it_has_no_capability_and_gains_none(captured: Runner, staging: Path) -> None:
    code = (
        "import ctypes, struct\n"
        "header, found = struct.pack('Ii', 0x20080522, 0), ctypes.create_string_buffer(24)\n"
        "ctypes.CDLL(None).capget(header, found)\n"
        "came = (found.raw.hex().strip('0'), ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))"
    )

    assert await probed(captured, staging, code) == "('', 1)"


async def test_whatever_it_starts_is_gone_with_it(captured: Runner, staging: Path) -> None:
    came = await probed(
        captured,
        staging,
        "import os, signal, time\n"
        "came = 0\n"
        "try:\n"
        "    while came < 2_000:\n"
        "        if os.fork() == 0:\n"
        "            os.setsid()\n"
        "            signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "            time.sleep(60)\n"
        "            os._exit(0)\n"
        "        came += 1\n"
        "except OSError:\n"
        "    pass\n",
    )

    assert 100 < int(came) < 600
    assert processes_in(staging) == []


@pytest.mark.parametrize(
    "way", ["another download's file", "the worker's environment", "a pipe with a name"]
)
async def test_without_namespaces_its_files_are_still_shut_in(
    captured_without_namespaces: Runner, staging: Path, tmp_path: Path, way: str
) -> None:
    came = await probed(captured_without_namespaces, staging, FILES[way].format(**places(tmp_path)))

    assert captured_without_namespaces.level is Level.LANDLOCK
    assert came.startswith(SHUT)


@pytest.mark.parametrize(
    "way", ["this machine's loopback", "datagrams", "a server's socket by path"]
)
async def test_without_namespaces_its_net_is_still_shut_in(
    captured_without_namespaces: Runner, staging: Path, way: str
) -> None:
    with Sink() as sink:
        code = "import socket\n" + NET[way].format(port=sink.port, unix="/nowhere", abstract="x")
        came = await probed(captured_without_namespaces, staging, code)

    assert came.startswith("PermissionError")
    assert sink.callers == []


async def test_what_is_required_is_not_done_without() -> None:
    with pytest.raises(SandboxMissingError, match="this machine gives only 'landlock'"):
        async with running(program=PROBE_WITHOUT_NAMESPACES):
            pass
