"""Free TCP ports on loopback that stay free while a service is down."""

import functools
import itertools
import random
import socket
from collections.abc import Iterator
from contextlib import closing

# Below the range from which Linux gives ports to outgoing connections (32768 and up): a port
# that the kernel chose for us could be given to some client while its service is restarting.
_FIRST, _BLOCKS, _BLOCK_SIZE = 20_000, 60, 200


class _Block:
    """The ports that this process deals out, each in its turn, and no other process.

    Between being told a port and listening on it lie seconds, and the tests run in several
    processes. A block is claimed by holding its first port for UDP, which nothing here speaks:
    the kernel lets one process have it, and frees it when that process ends, however it ends.
    """

    def __init__(self) -> None:
        blocks = list(range(_BLOCKS))
        random.SystemRandom().shuffle(blocks)
        for block in blocks:
            first = _FIRST + block * _BLOCK_SIZE
            claim = _bound(socket.SOCK_DGRAM, first)
            if claim is not None:
                self._claim = claim
                self.ports: Iterator[int] = itertools.cycle(range(first, first + _BLOCK_SIZE))
                return
        message = f"all {_BLOCKS} blocks of ports are claimed"
        raise RuntimeError(message)


def free_port() -> int:
    """Return a port on which nothing listens at 127.0.0.1, and that is told to nobody else.

    Raises:
        RuntimeError: Everything is taken.
    """
    for port in itertools.islice(_block().ports, _BLOCK_SIZE):
        probe = _bound(socket.SOCK_STREAM, port)
        if probe is not None:
            with closing(probe):
                return port
    message = f"all {_BLOCK_SIZE} ports of this process are in use"
    raise RuntimeError(message)


def is_listening(port: int) -> bool:
    """Return whether something accepts connections at 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


@functools.cache
def _block() -> _Block:
    return _Block()


def _bound(kind: socket.SocketKind, port: int) -> socket.socket | None:
    probe = socket.socket(type=kind)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        return None
    return probe
