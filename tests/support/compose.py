"""The services of compose.yaml as processes of this machine, by their commands and settings."""

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.nginx import own_name
from tests.support.process import Launch, Process
from tests.support.waiting import eventually_sync

TOP = Path(__file__).parents[2]
COMPOSE = TOP / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
_HEALTHY_S = 120


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the services as they stand in the file.

    Args:
        variables: What ``${NAME:-default}`` stands for.
    """
    # Without types of its own; what a test takes from it says itself whether it fits.
    yaml: Any = importlib.import_module("yaml")
    text = COMPOSE.read_text(encoding="utf-8")
    told = _VARIABLE.sub(lambda found: variables.get(found[1], found[2]), text)
    return dict(yaml.safe_load(told)["services"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What is elsewhere on this machine than in a container, by service.

    Attributes:
        settings: Laid over the service's own, as vasset.env is laid under them.
        places: What to write in place of what, in settings, commands and configurations; the
            first one counts.
    """

    settings: Mapping[str, str]
    places: Sequence[tuple[str, str]]

    def placed(self, text: str) -> str:
        """Return a text that says where things are here."""
        here = dict(reversed(self.places))
        # At once: what has been put in place is not looked at again.
        return re.sub("|".join(map(re.escape, here)), lambda found: here[found[0]], text)


class Composed:
    """Some of the services, started in the order in which they wait for each other.

    Args:
        folder: For their output.
        here: By service, and so which are started.
    """

    def __init__(self, folder: Path, declared: Mapping[str, Any], here: Mapping[str, Here]) -> None:
        self._folder, self._declared, self._here = folder, declared, here
        self._running: dict[str, Process] = {}
        self.order: list[str] = []

    def stop(self, name: str) -> None:
        """End a service as compose does."""
        self._running.pop(name).end(signal.SIGTERM, 30)

    def run(self, name: str, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        """Run a command as in the container of a service, to its end."""
        return subprocess.run(  # noqa: S603 - our own program
            self._command(name, command),
            env=self._environment(name),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def __enter__(self) -> Self:
        try:
            for name in self._here:
                self._start(name, "service_started")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def _start(self, name: str, condition: str) -> None:
        declared = self._declared[name]
        if name not in self.order:
            for needed, terms in declared.get("depends_on", {}).items():
                if needed in self._here:
                    self._start(needed, terms["condition"])
            self.order.append(name)
            if condition == "service_completed_successfully":
                done = self.run(name, declared["command"])
                assert done.returncode == 0, done.stderr
            else:
                self._begin(name, declared["command"])
        if condition == "service_healthy":
            self._wait_until_healthy(name, declared["healthcheck"]["test"])

    def _begin(self, name: str, command: Sequence[str]) -> None:
        folder = self._folder / f"service-{name}"
        folder.mkdir()
        self._running[name] = Process(
            Launch(
                command=self._command(name, command),
                folder=folder,
                environment=self._environment(name),
            )
        )

    def _wait_until_healthy(self, name: str, test: Sequence[str]) -> None:
        kind, *words = test
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words

        def is_healthy() -> bool:
            assert self._running[name].is_running, self._running[name].tail()
            return self.run(name, command).returncode == 0

        eventually_sync(is_healthy, timeout_s=_HEALTHY_S, what=f"{name} to be healthy")

    def _command(self, name: str, command: Sequence[str]) -> list[str]:
        program, *words = [self._here[name].placed(word) for word in command]
        if program == "nginx":
            # Started by root, its workers would be nobody, and the files are not nobody's.
            configuration = self._configured(name)
            return [
                *(shutil.which(program, path=f"{os.defpath}:/usr/sbin") or program, "-p"),
                *(str(configuration.parent), "-c", str(configuration)),
                *(
                    f"{word} user {own_name()};" if word == "daemon off;" else word
                    for word in words
                ),
            ]
        return [program, *words]

    def _configured(self, name: str) -> Path:
        """Return the main one of the configurations that are mounted, all of them placed."""
        mounts = [mount.split(":") for mount in self._declared[name]["volumes"]]
        files = [TOP / mount[0] for mount in mounts if mount[0].startswith("./")]
        folder = self._folder / f"configured-{name}"
        folder.mkdir(exist_ok=True)
        for file in files:
            placed = self._here[name].placed(file.read_text(encoding="utf-8"))
            (folder / file.name).write_text(placed, encoding="utf-8")
        return folder / files[0].name

    def _environment(self, name: str) -> dict[str, str]:
        here = self._here[name]
        declared = self._declared[name].get("environment", {})
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(self._folder),
            "LANG": "C.UTF-8",
            **{key: here.placed(value) for key, value in declared.items()},
            **here.settings,
        }
