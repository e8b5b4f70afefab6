"""One example of everything that is asked and answered, for readers of /openapi.json."""
