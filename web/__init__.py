"""REST, WebSocket and file delivery."""
