"""A private DNS server on loopback, and the resolver that asks it alone."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Self, cast

import dns.asyncresolver
import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset

from domain.addresses import Address

TTL_S = 0


class NameServer(asyncio.DatagramProtocol):
    """Answers for the names it was given; each answer of a list is given once, the last for ever.

    Args:
        zone: For each name its answers in turn; an answer is the addresses of that moment, or a
            name, which becomes a CNAME.
    """

    def __init__(self, zone: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._zone = {name: deque(answers) for name, answers in zone.items()}
        #: Every question, in order.
        self.asked: list[tuple[str, str]] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        for asked in question.question:
            name = asked.name.to_text(omit_final_dot=True)
            self.asked.append((name, dns.rdatatype.to_text(asked.rdtype)))
            self._add(answer, name, asked.rdtype)
        self._transport.sendto(answer.to_wire(), addr)

    def _add(self, answer: Any, name: str, kind: int) -> None:  # noqa: ANN401 - dnspython's own
        turns = self._zone.get(name)
        if turns is None:
            answer.set_rcode(3)
            return
        # One turn is one lookup: its question for A comes first, that for AAAA ends it.
        is_last = len(turns) == 1 or kind == dns.rdatatype.A
        places = turns[0] if is_last else turns.popleft()
        for place in places:
            if not place[0].isdigit() and ":" not in place:
                answer.answer.append(_record(name, dns.rdatatype.CNAME, f"{place}."))
                self._add(answer, place, kind)
            elif (":" in place) == (kind == dns.rdatatype.AAAA):
                answer.answer.append(_record(name, kind, place))

    async def resolve(self, host: str) -> Sequence[Address]:
        """Return the addresses of a name, as ``gateways.egress.judge.resolve`` does."""
        assert self._transport is not None
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._transport.get_extra_info("sockname")[1]
        found: list[Address] = []
        try:
            for kind in ("A", "AAAA"):
                answers: Any = await resolver.resolve(host, kind, raise_on_no_answer=False)
                found += [ip_address(str(one)) for one in answers.rrset or ()]
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from error
        return found


def _record(name: str, kind: int, text: str) -> Any:  # noqa: ANN401 - dnspython's own
    return cast("Any", dns.rrset.from_text)(
        f"{name}.", TTL_S, "IN", dns.rdatatype.to_text(dns.rdatatype.RdataType(kind)), text
    )
