import threading

import pytest

from gateways.ytdlp.connections import LONGEST_WAIT_S, Connections, retry_wait


@pytest.mark.parametrize(
    ("tries", "jitter", "expected"),
    [(1, 0.0, 0.25), (1, 1.0, 0.5), (2, 1.0, 1.0), (3, 1.0, 2.0), (99, 1.0, LONGEST_WAIT_S)],
)
def test_a_wait_doubles_up_to_a_bound(tries: int, jitter: float, expected: float) -> None:
    assert retry_wait(tries, jitter) == expected


def test_many_connections_are_open_at_once_until_one_is_refused() -> None:
    connections = Connections()
    both = threading.Barrier(2, timeout=30)

    def use() -> None:
        with connections.one():
            both.wait()

    other = threading.Thread(target=use)
    other.start()
    use()
    other.join()

    assert not both.broken


def test_after_a_refusal_a_connection_waits_for_the_one_before_it() -> None:
    connections = Connections()
    connections.narrow()
    order: list[str] = []

    def use() -> None:
        with connections.one():
            order.append("second")

    with connections.one():
        other = threading.Thread(target=use)
        other.start()
        order.append("first")
    other.join(30)

    assert order == ["first", "second"]


def test_a_connection_that_waits_to_try_again_lets_others_pass() -> None:
    passed = threading.Event()

    def use() -> None:
        with connections.one():
            passed.set()

    def sleep(_seconds: float) -> None:
        other = threading.Thread(target=use)
        other.start()
        other.join(30)

    connections = Connections(sleep)
    connections.narrow()

    with connections.one():
        connections.wait(5)

    assert passed.is_set()
