"""Free TCP ports on loopback that stay free while a service is down."""

import random
import socket
from contextlib import closing

# Below the range from which Linux gives ports to outgoing connections (32768 and up): a port
# that the kernel chose for us could be given to some client while its service is restarting.
_PORTS = range(20_000, 32_000)
_TRIES = 200


def free_port() -> int:
    """Return a port on which nothing listens at 127.0.0.1.

    Raises:
        RuntimeError: None was found in 200 tries.
    """
    dice = random.SystemRandom()
    for _ in range(_TRIES):
        port = dice.choice(_PORTS)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"no free port found in {_TRIES} tries"
    raise RuntimeError(message)


def is_listening(port: int) -> bool:
    """Return whether something accepts connections at 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
