"""Another web process of a node, as a fleet runs it."""

import os
import subprocess
import sys
from collections.abc import Mapping

from runtime.settings import Settings


def start_web(
    settings: Settings, port: int, more: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a web process on the services, the root and the secret of these settings.

    Args:
        more: Settings of its own, by the names of their variables.
    """
    own = {
        "VASSET_SERVER__PORT": str(port),
        "VASSET_DATABASE__URL": settings.database.url.get_secret_value(),
        "VASSET_REDIS__URL": settings.redis.url.get_secret_value(),
        "VASSET_BROKER__URL": settings.broker.url.get_secret_value(),
        "VASSET_STORAGE__ROOT": str(settings.storage.root),
        "VASSET_STORAGE__NODE": settings.storage.node,
        "VASSET_AUTH__SECRET": settings.auth.secret.get_secret_value(),
        "VASSET_LOG__LEVEL": "error",
        **(more or {}),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "vasset.main", "web"],
        env=os.environ | own,  # noqa: TID251 - it needs PATH
    )
