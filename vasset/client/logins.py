"""Logging in and out: a key is made for this machine, and ended again."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from vasset.client import credentials
from vasset.client.api import Api, ApiError, Place, open_api
from vasset.client.credentials import Login
from vasset.client.events import Waiting
from vasset.client.shapes import KeyGiven, Page, Session, Shown
from vasset.faults import CommandError

_SCOPES = ("read", "submit", "deliver")


def log_in(url: str, email: str, password: str) -> None:
    """Make a key for this machine with an account's password, and keep it.

    A key and not the tokens of the login: several `get` at once would have to share a refresh
    token that works once, and a logout of the account would stop them. The key of an earlier
    login is ended.

    Raises:
        ApiError: The server refused or does not answer.
        CommandError: The login cannot be kept.
    """
    asyncio.run(_log_in(url, email, password))


def take_key(url: str, key: str) -> None:
    """Keep a key that somebody made, if the server knows it.

    Raises:
        ApiError: It does not, or does not answer.
        CommandError: The login cannot be kept.
    """
    asyncio.run(_take_key(url, key))


def log_out() -> bool:
    """Forget the login and end its key; return False if there was none.

    Raises:
        ApiError: It is forgotten here, but the server could not end the key.
    """
    login = credentials.kept()
    if login is None:
        return False
    credentials.forget()
    asyncio.run(_end_key(login))
    return True


async def _log_in(url: str, email: str, password: str) -> None:
    try:
        before = credentials.kept()
    except CommandError:
        # A damaged one is mended by this very login.
        before = None
    async with _open(url, lambda: "") as api:
        body = {"email": email, "password": password}
        try:
            session = await api.ask("POST", "/auth/login", Session, body=body)
        except ApiError as error:
            if error.status != 401:  # noqa: PLR2004 - Unauthorized
                raise
            raise ApiError(401, error.code, "e-mail or password is wrong") from None
    async with _open(url, lambda: session.access_token) as api:
        name = f"vasset on {socket.gethostname()}"[:64]
        asked = {"name": name, "scopes": _SCOPES}
        given = await api.ask("POST", "/auth/keys", KeyGiven, body=asked)
    login = Login(url=url, key=given.key, key_id=given.key_id)
    try:
        credentials.keep(login)
    except CommandError:
        await _end_key(login)
        raise
    if before is not None:
        try:
            await _end_key(before)
        except ApiError:
            # Its server may be gone for good; the new login is what counts.
            return


async def _take_key(url: str, key: str) -> None:
    async with _open(url, lambda: key) as api:
        await api.ask("GET", "/user/history", Page, query={"limit": "1"})
    credentials.keep(Login(url=url, key=key))


async def _end_key(login: Login) -> None:
    """End the key that was made for a login; one that is gone already is as good."""
    if login.key_id is None:
        return
    async with _open(login.url, lambda: login.key) as api:
        try:
            await api.ask("DELETE", f"/auth/keys/{login.key_id}", Shown)
        except ApiError as error:
            if error.status not in (401, 403):
                raise


def _open(url: str, credential: Callable[[], str]) -> AbstractAsyncContextManager[Api]:
    return open_api(Place(url=url, credential=credential), _tell_nobody, patience_s=0)


def _tell_nobody(_waiting: Waiting) -> None:
    """Without patience there is nothing to tell."""
