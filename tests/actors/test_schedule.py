"""The clock of the clean-up."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# dramatiq leaves the type of an actor's result open.

from datetime import UTC, datetime
from typing import NoReturn

import pytest
from dramatiq.broker import Broker

from actors.broker import UnknownBrokerError, open_broker
from actors.declarations import declare
from actors.schedule import SKIP_DELAY_S, open_scheduled_broker
from runtime.settings_layers import load
from tests.support.valkey import Valkey


def never() -> NoReturn:
    raise AssertionError


def scheduled_broker(valkey: Valkey) -> Broker:
    settings = load({"VASSET_BROKER__URL": valkey.url, "VASSET_STORAGE__NODE": "node-a"})
    broker = open_scheduled_broker(settings)
    declare(broker, "node-a", never)
    return broker


def test_the_clean_up_is_due_once_an_hour(valkey: Valkey) -> None:
    broker = scheduled_broker(valkey)
    periodic = {
        name: actor.options["periodic"]
        for name, actor in broker.actors.items()
        if "periodic" in actor.options
    }

    minutes = [datetime(2026, 11, 23, 13, minute, tzinfo=UTC) for minute in range(60)]
    due = [moment.minute for moment in minutes if periodic["expire_everywhere"].validate(moment)]

    assert list(periodic) == ["expire_everywhere"]
    assert due == [0]
    assert SKIP_DELAY_S < 3_600


def test_every_stage_is_an_actor_of_its_own(valkey: Valkey) -> None:
    broker = scheduled_broker(valkey)

    queues = {name: actor.queue_name for name, actor in broker.actors.items()}

    assert queues == {
        "acquire_proxy": "acquire_proxy",
        "fetch": "node.node-a",
        "checksum": "node.node-a",
        "record": "node.node-a",
        "expire": "node.node-a",
        "remove": "node.node-a",
        "expire_everywhere": "schedule",
    }


def test_a_broker_of_another_kind_is_refused() -> None:
    with pytest.raises(UnknownBrokerError, match="amqp://"):
        open_broker("kafka://host")
