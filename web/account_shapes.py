"""The shapes of an account's password and of its keys."""

from typing import Annotated

from pydantic import Field

from web.shapes import Asked, Password


class PasswordAsked(Asked):
    """Another password."""

    current_password: Annotated[str, Field(max_length=128)]
    new_password: Password
