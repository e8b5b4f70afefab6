"""What is kept encrypted, with a key made of the server's secret."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealedError(Exception):
    """It cannot be opened: it was sealed with another secret, or changed since."""


class Seal:
    """Seals and opens texts for one purpose.

    Args:
        secret: The server's; whoever has it can open what was sealed.
        purpose: Keeps what was sealed for one thing from being opened as another.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=f"vasset {purpose}".encode())
        key = derived.derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, text: str) -> str:
        """Return a text that says nothing to whoever lacks the secret."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Return the text that was sealed.

        Raises:
            SealedError: It was not sealed with this secret.
        """
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except (InvalidToken, ValueError) as error:
            message = "sealed with another secret, or changed since"
            raise SealedError(message) from error
