"""Settings for each kind of command, with a clear word if one is missing."""

from collections.abc import Mapping
from pathlib import Path

from runtime import logs, settings_layers
from runtime.settings import MIN_SECRET_BYTES, Settings
from vasset import datadir
from vasset.faults import CommandError

_REDIS = ("redis", "rediss", "unix")
_SCHEMES = {
    "database": ("postgresql", "postgres", "postgresql+asyncpg"),
    "redis": _REDIS,
    "broker": ("amqp", "amqps", *_REDIS),
}


def loaded(
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
) -> Settings:
    """Return the settings, if each address is of a kind that we can speak to.

    Raises:
        CommandError: An address is of another kind; it is not repeated.
        SettingsError: A setting is wrong or unknown.
    """
    settings = settings_layers.load(environment, overrides)
    urls = {"database": settings.database, "redis": settings.redis, "broker": settings.broker}
    for section, schemes in _SCHEMES.items():
        url = urls[section].url.get_secret_value()
        if url and url.partition("://")[0] not in schemes:
            message = f"settings: {section}.url must start with {'://, '.join(schemes)}://"
            raise CommandError(message)
    return settings


def of_a_fleet(part: str, *, secret: bool = False) -> Settings:
    """Return the settings of one part that runs by itself, its logs started.

    Args:
        secret: Whether it needs ``auth.secret``.

    Raises:
        CommandError: A setting that it needs is empty.
        SettingsError: A setting is wrong or unknown.
    """
    settings = loaded()
    needed = {
        "database.url": settings.database.url,
        "redis.url": settings.redis.url,
        "broker.url": settings.broker.url,
    }
    for key, value in needed.items():
        if not value.get_secret_value():
            raise CommandError(_missing(key, part, "`vasset up` brings its own"))
    if secret and len(settings.auth.secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise CommandError(_missing("auth.secret", part, f"at least {MIN_SECRET_BYTES} bytes"))
    logs.configure(settings.log, part=part)
    return settings


def of_anything(data: Path | None) -> Settings:
    """Return the settings of what runs here: a fleet's if a URL is set, else those of `up`.

    Raises:
        SettingsError: A setting is wrong or unknown.
    """
    settings = loaded()
    if settings.database.url.get_secret_value():
        return settings
    left = datadir.choose(data).settings
    if not left.exists():
        return settings
    return loaded({settings_layers.FILE_VARIABLE: str(left)})


def idle(data: Path | None) -> Path | None:
    """Return the data directory on which no `up` runs, or None if one does or a fleet is set.

    Raises:
        SettingsError: A setting is wrong or unknown.
    """
    chosen = datadir.choose(data)
    is_fleet = bool(loaded().database.url.get_secret_value())
    return None if is_fleet or chosen.is_locked() else chosen.root


def with_database(data: Path | None) -> Settings:
    """Return the settings of what runs here.

    Raises:
        CommandError: No database is known.
        SettingsError: A setting is wrong or unknown.
    """
    settings = of_anything(data)
    if not settings.database.url.get_secret_value():
        root = datadir.choose(data).root
        message = f"no database: start `vasset up` (none has run on {root}) or set database.url"
        raise CommandError(message)
    return settings


def _missing(key: str, part: str, remark: str) -> str:
    variable = f"VASSET_{key.replace('.', '__').upper()}"
    return f"`vasset {part}` needs the setting {key} ({variable}); {remark}"
