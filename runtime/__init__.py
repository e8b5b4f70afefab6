"""Settings, services, logs: assembles storage and gateways for the rooms above."""
