"""One request to one receiver, whatever it answers."""

import json
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from domain.addresses import AddressPolicy
from domain.webhooks import Answer, Fault, Message
from gateways.webhooks import Sender
from tests.support.certificates import Certificate, self_signed
from tests.support.names import NameServer
from tests.support.proxy import ForwardProxy
from tests.support.receiver import ENDLESS, ENDLESS_HEADS, SILENCE, Receiver, status
from tests.support.sink import Sink

OPEN_LOOPBACK = AddressPolicy(
    allow_private=(ip_network("127.0.0.0/8"),), ports=(443,), deny_hosts=()
)
PUBLIC_ONLY = replace(OPEN_LOOPBACK, allow_private=())
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def message(*secrets: str) -> Message:
    return Message(
        message_id="msg_1",
        timestamp=int(time.time()),
        body=json.dumps({"type": "download.completed", "data": {"title": "日本語 🎬"}}),
        secrets=secrets or [SECRET],
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("receiver"), "127.0.0.1")


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))


@pytest.fixture
async def receiver(certificate: Certificate) -> AsyncGenerator[Receiver]:
    async with Receiver(certificate) as receiver:
        yield receiver


@pytest.fixture
async def sender(trusted: None) -> AsyncGenerator[Sender]:
    del trusted
    sender = Sender(OPEN_LOOPBACK)
    yield sender
    await sender.close()


async def test_what_is_told_is_verified_by_an_implementation_of_the_standard(
    sender: Sender, receiver: Receiver
) -> None:
    new = "whsec_" + "QUJD" * 11 + "QUI="

    said = await sender.send(receiver.url("/hook?token=t"), message(new, SECRET))

    assert said == Answer(http_status=200)
    [told] = receiver.told
    assert told.path == "/hook?token=t"
    assert told.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert told.headers["content-type"] == "application/json"
    for secret in (new, SECRET):
        assert Webhook(secret).verify(told.body, told.headers)["data"]["title"] == "日本語 🎬"


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (status(204), Answer(http_status=204)),
        (status(500), Answer(http_status=500, fault=Fault.STATUS)),
        (status(410), Answer(http_status=410, fault=Fault.STATUS)),
        (
            status(429, "Retry-After: 7"),
            Answer(http_status=429, fault=Fault.STATUS, retry_after=timedelta(seconds=7)),
        ),
        (
            status(503, "Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT"),
            Answer(http_status=503, fault=Fault.STATUS),
        ),
        (ENDLESS, Answer(http_status=200)),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, Answer(fault=Fault.PROTOCOL)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH\r\n\r\n", Answer(fault=Fault.PROTOCOL)),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 3 + status(200), Answer(http_status=200)),
    ],
)
async def test_what_a_receiver_answers_is_told_apart(
    sender: Sender, receiver: Receiver, answer: bytes, wanted: Answer | None
) -> None:
    receiver.answers["/hook"] = [answer]

    said = await sender.send(receiver.url(), message())

    assert said == (wanted or Answer(fault=Fault.PROTOCOL))


async def test_a_redirect_is_an_answer_and_nothing_is_asked_where_it_leads(
    sender: Sender, receiver: Receiver
) -> None:
    with Sink() as sink:
        for place in (f"http://169.254.169.254:{sink.port}/", f"http://127.0.0.2:{sink.port}/"):
            receiver.answers["/hook"] = [status(307, f"Location: {place}")]
            said = await sender.send(receiver.url(), message())
            assert said == Answer(http_status=307, fault=Fault.STATUS)

    assert sink.callers == []
    assert len(receiver.told) == 2


@pytest.mark.parametrize("answer", [SILENCE, ENDLESS_HEADS])
async def test_one_that_never_comes_to_answer_is_left_when_the_time_is_over(
    trusted: None, receiver: Receiver, answer: bytes
) -> None:
    del trusted
    receiver.answers["/hook"] = [answer]
    sender = Sender(OPEN_LOOPBACK, timeout=timedelta(seconds=0.3))

    said = await sender.send(receiver.url(), message())

    await sender.close()
    assert said == Answer(fault=Fault.TIMEOUT)


async def test_only_who_is_known_is_told(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = self_signed(tmp_path, "127.0.0.9")
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.certificate))
    sender = Sender(OPEN_LOOPBACK)

    said = await sender.send(receiver.url(), message())

    await sender.close()
    assert said == Answer(fault=Fault.TLS)
    assert receiver.told == []


async def test_a_name_in_the_certificate_must_be_the_one_that_was_asked(
    trusted: None, receiver: Receiver
) -> None:
    del trusted
    async with NameServer({"hook.example": [["127.0.0.1"]]}) as names:
        sender = Sender(OPEN_LOOPBACK, names.resolve)
        said = await sender.send(receiver.url(host="hook.example"), message())
        await sender.close()

    assert said == Answer(fault=Fault.TLS)


async def test_a_name_that_leads_inside_is_never_called(trusted: None) -> None:
    del trusted
    zone = {
        "inside.example": [["127.0.0.1"]],
        "both.example": [["93.184.216.34", "127.0.0.1"]],
        "later.example": [["93.184.216.34"], ["127.0.0.1"]],
        "metadata.example": [["169.254.169.254"]],
    }
    async with NameServer(zone) as names:
        sender = Sender(PUBLIC_ONLY, names.resolve)
        await names.resolve("later.example")
        said = {
            name: (await sender.send(f"https://{name}/", message())).fault
            for name in (*zone, "nowhere.example", "127.0.0.1", "2130706433", "[::1]")
        }
        await sender.close()

    assert said.pop("nowhere.example") is Fault.DNS
    assert set(said.values()) == {Fault.FORBIDDEN_ADDRESS}


async def test_what_was_judged_is_what_is_called(trusted: None) -> None:
    """The name leads elsewhere right after it was judged; it is not asked again."""
    del trusted
    policy = replace(OPEN_LOOPBACK, allow_private=(ip_network("127.0.0.1/32"),))
    zone = {"hook.example": [["127.0.0.1"], ["127.0.0.2"]]}
    async with Receiver(None) as plain, NameServer(zone) as names:
        sender = Sender(policy, names.resolve)
        said = await sender.send(plain.url(host="hook.example"), message())
        await sender.close()

    assert said == Answer(http_status=200)
    assert [name for name, _ in names.asked] == ["hook.example"] * 2
    assert plain.told[0].headers["host"] == f"hook.example:{plain.port}"


async def test_plain_http_goes_to_open_networks_alone(trusted: None) -> None:
    del trusted
    policy = replace(OPEN_LOOPBACK, ports=(80, 443))
    async with NameServer({"hook.example": [["93.184.216.34"]]}) as names:
        sender = Sender(policy, names.resolve)
        said = await sender.send("http://hook.example/", message())
        await sender.close()

    assert said == Answer(fault=Fault.FORBIDDEN_ADDRESS)


async def test_a_port_where_nobody_listens_is_unreachable(sender: Sender) -> None:
    with Sink() as sink:
        port = sink.port

    assert await sender.send(f"https://127.0.0.1:{port}/", message()) == Answer(
        fault=Fault.UNREACHABLE
    )


async def test_the_proxies_of_the_environment_are_not_asked(
    trusted: None, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    del trusted
    with ForwardProxy(password="s3cret") as proxy:
        for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        sender = Sender(OPEN_LOOPBACK)
        said = await sender.send(receiver.url(), message())
        await sender.close()

    assert said == Answer(http_status=200)
    assert proxy.journal == ()


async def test_no_cookie_of_one_receiver_comes_to_another(
    sender: Sender, receiver: Receiver
) -> None:
    receiver.answers["/hook"] = [status(200, "Set-Cookie: a=b; Path=/")]

    for _ in range(2):
        await sender.send(receiver.url(), message())

    assert "cookie" not in receiver.told[1].headers
