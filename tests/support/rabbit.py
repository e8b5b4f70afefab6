"""A real RabbitMQ from the system's package, beside any other that runs."""

import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from shlex import quote
from typing import Final

from tests.support.parts import MissingPartError, find_program
from tests.support.ports import free_port
from tests.support.service import Service

# Not the one in /usr/sbin: that goes to the user rabbitmq and its folders.
_PROGRAMS: Final = Path("/usr/lib/rabbitmq/bin")
_REMEDY: Final = "apt-get install rabbitmq-server"
# Source: AMQP 0-9-1, 4.2.2.
_PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"


class Rabbit(Service):
    """A RabbitMQ node with the user ``guest`` and no plugins.

    Args:
        consumer_timeout_s: After how long an unacknowledged message closes its channel.

    Raises:
        MissingPartError: rabbitmq-server is not installed.
    """

    def __init__(self, consumer_timeout_s: int = 1800) -> None:
        self._server = _find_server()
        self._erl = find_program("erl", _REMEDY)
        super().__init__()
        self.port, self._distribution_port, self._epmd_port = (free_port() for _ in range(3))
        self.consumer_timeout_s = consumer_timeout_s
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        (self.folder / "plugins").write_text("[].\n")

    @property
    def url(self) -> str:
        """The address of the virtual host ``/``."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl and return its output; about a second.

        Raises:
            RuntimeError: It failed; carries what it said.
        """
        done = subprocess.run(  # noqa: S603 - a program of the package
            [self._server.with_name("rabbitmqctl"), "--quiet", *arguments],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr or done.stdout)
        return done.stdout.strip()

    def control_script(self) -> str:
        """Return a shell script that is rabbitmqctl for this server."""
        told = "\n".join(f"export {name}={quote(it)}" for name, it in self._environment().items())
        program = self._server.with_name("rabbitmqctl")
        return f'#!/bin/sh\ncd {quote(str(self.folder))}\n{told}\nexec {program} "$@"\n'

    def add_vhost(self, name: str) -> str:
        """Create a virtual host and return its address; about two seconds."""
        self.control("add_vhost", name)
        self.control("set_permissions", "--vhost", name, "guest", ".*", ".*", ".*")
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it and wait until it speaks AMQP; about five seconds."""
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"consumer_timeout = {self.consumer_timeout_s * 1000}\n"
            "disk_free_limit.absolute = 1MB\n"
            "vm_memory_high_watermark.relative = 0.9\n"
            "log.console = true\n"
            "log.console.level = warning\n"
            "log.file = false\n"
        )
        # How often it looks for late acknowledgements; 60 s would hide a timeout of some seconds.
        (self.folder / "advanced.config").write_text("[{rabbit, [{channel_tick_interval, 1000}]}].")
        super().start()

    def _command(self) -> list[str]:
        return [str(self._server)]

    def _environment(self) -> dict[str, str]:
        base = super()._environment()
        folder = str(self.folder)
        return base | {
            "PATH": f"{self._erl.parent}:{base['PATH']}",
            # Erlang starts epmd as a daemon; the guard ends it with the rest.
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._distribution_port + 1),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_NODENAME": f"{self.folder.name}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
        }

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(_PROTOCOL_HEADER)
                return client.recv(1) == b"\x01"
        except OSError:
            return False


def _find_server() -> Path:
    packaged = _PROGRAMS / "rabbitmq-server"
    found = str(packaged) if packaged.exists() else shutil.which(packaged.name)
    if found is None:
        raise MissingPartError(packaged.name, _REMEDY)
    return Path(found)
