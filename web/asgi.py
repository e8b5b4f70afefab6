"""The app for an ASGI server of one's own choice: ``uvicorn web.asgi:app``."""

from runtime import logs, settings_layers
from web.app import create_app

_settings = settings_layers.load()
logs.configure(_settings.log, part="web")
app = create_app(_settings)
