"""The doctor's look at RabbitMQ: does it answer, and does it wait for long downloads."""

import re
import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

from actors.broker import BrokerFault, open_broker
from runtime.settings import Settings
from vasset.findings import Finding, well, wrong

PART = "broker"

_UNTIMED = (4, 3)
"""From here on classic queues know no consumer_timeout. Source: RabbitMQ, "Consumers"."""

_TIMEOUT_S = 15
_ASK = "application:get_env(rabbit, consumer_timeout)."
_TOLD_MS = re.compile(r"\{ok,\s*(\d+)\}")
_HERE = ("localhost", "127.0.0.1", "::1")


def look(settings: Settings) -> Finding:
    """Return whether it answers, and whether a stage may run for as long as it is allowed to.

    No client can ask for the consumer_timeout, neither by AMQP nor by the management plugin; only
    rabbitmqctl can, on the broker's own machine, as root or rabbitmq.
    """
    url = settings.broker.url.get_secret_value()
    connecting: Any = open_broker(url)
    try:
        # Connects, with all that the address says of user and virtual host.
        told = connecting.connection._impl.server_properties  # noqa: SLF001 - not shown elsewhere
        connecting.close()
    except (*BrokerFault, ValueError) as error:
        return wrong(
            PART,
            f"does not answer ({type(error).__name__})",
            "start RabbitMQ, or correct broker.url",
        )
    version = str(told["version"])
    text = f"RabbitMQ {version}"
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= _UNTIMED:
        return well(PART, text)
    limit_s = settings.downloads.time_limit_s
    timeout_s = _consumer_timeout_s() if urlsplit(url).hostname in _HERE else None
    if timeout_s is None:
        return well(PART, f"{text}; see there that consumer_timeout is above {limit_s} s")
    if timeout_s <= limit_s:
        return wrong(
            PART,
            f"{text} takes a message back after {timeout_s} s, a download may take {limit_s} s",
            f"set consumer_timeout in rabbitmq.conf to more than {limit_s * 1000}",
        )
    return well(PART, f"{text}, which waits {timeout_s} s")


def _consumer_timeout_s() -> int | None:
    """Return the setting of the broker on this machine, None if we may not ask."""
    program = shutil.which("rabbitmqctl")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - RabbitMQ's own program
            [program, "--quiet", "eval", _ASK],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = _TOLD_MS.search(done.stdout)
    return None if told is None else int(told[1]) // 1000
