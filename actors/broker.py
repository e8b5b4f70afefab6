"""The broker: RabbitMQ in production, Valkey or Redis on one machine; the same to the actors."""

from typing import Any
from urllib.parse import urlsplit

import pika
from dramatiq.broker import Broker, Consumer, MessageProxy
from dramatiq.brokers import rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.errors import DramatiqError
from dramatiq.middleware import AsyncIO, Middleware
from pika.exceptions import AMQPError
from redis.exceptions import RedisError
from typing_extensions import override

from actors.redis_broker import open_redis
from runtime import logs

SHARED_QUEUE = "acquire_proxy"
"""The queue that every node takes from; all others belong to one node."""

MAX_PRIORITY = 10
"""Fixed for ever: RabbitMQ refuses a queue that is declared again with another number."""

POLL_MS = 50
"""How long an idle consumer of RabbitMQ waits before it looks at its delayed messages."""


BrokerFault = (DramatiqError, AMQPError, RedisError, OSError)
"""What a call to either broker may raise when it is away."""


class UnknownBrokerError(ValueError):
    """broker.url is neither amqp(s):// nor redis(s):// nor unix://."""


_Consumer = rabbitmq._RabbitmqConsumer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - its own hook


class _OwnAcks(_Consumer):
    """A consumer that acknowledges only what it delivered itself.

    Delivery numbers start again with each channel, so after a reconnect the late end of an old
    message would acknowledge a new one with the same number, which is then lost if the worker
    dies. Source: docs/decisions/0005-brokers.md, reliability M1.
    """

    def __next__(self) -> Any:  # noqa: ANN401 - dramatiq's own message class is private
        message: Any = super().__next__()
        if message is not None:
            message.delivered_by = self
        return message

    def ack(self, message: MessageProxy) -> None:
        if getattr(message, "delivered_by", None) is self:
            super().ack(message)

    def nack(self, message: MessageProxy) -> None:
        if getattr(message, "delivered_by", None) is self:
            super().nack(message)


class _ConfirmingBroker(RabbitmqBroker):
    """RabbitMQ with publisher confirms and the consumer above."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Return a consumer; of the shared queue it holds one message at a time.

        dramatiq would have it hold two for each thread, out of reach of a node that is idle.
        """
        few = 1 if queue_name == SHARED_QUEUE else prefetch
        # Delayed messages go on when the consumer's wait is over, not when they are due.
        return super().consume(queue_name, few, min(timeout, POLL_MS))

    @override
    def close(self) -> None:
        """Close every connection; of one that an outage has ended nothing is said again.

        pika finds out only now, and dramatiq hushes a part of what it says. What was lost with
        the connection was said by who sent.
        """
        with logs.hushed("pika"):
            super().close()

    @property
    def consumer_class(self) -> type[_OwnAcks]:
        return _OwnAcks


def open_broker(url: str, *middleware: Middleware) -> Broker:
    """Return the broker behind an address; it connects when it is first used.

    dramatiq's own middleware is left out but for the event loop: retries stand in the row, and
    deadlines belong to the runner of the child. Source: docs/decisions/0004-retries.md.

    Raises:
        UnknownBrokerError: The scheme is none of those known.
    """
    chain: list[Middleware] = [AsyncIO(), *middleware]
    match urlsplit(url).scheme:
        case "amqp" | "amqps":
            return _ConfirmingBroker(
                parameters=[_parameters(url)],
                confirm_delivery=True,
                max_priority=MAX_PRIORITY,
                middleware=chain,
            )
        case "redis" | "rediss" | "unix":
            return open_redis(url, chain)
        case _:
            message = "broker.url must start with amqp://, redis:// or unix://"
            raise UnknownBrokerError(message)


def _parameters(url: str) -> dict[str, Any]:
    """Return the address as pika's keywords, with the deadlines that it leaves out."""
    parsed = pika.URLParameters(url)
    return {
        "host": parsed.host,
        "port": parsed.port,
        "virtual_host": parsed.virtual_host,
        "credentials": parsed.credentials,
        "ssl_options": parsed.ssl_options,
        "heartbeat": 30,
        # Without this a send hangs for as long as RabbitMQ has a disk or memory alarm.
        "blocked_connection_timeout": 5,
        "socket_timeout": 5,
    }
