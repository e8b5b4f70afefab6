"""The API described, from the routes that exist."""
