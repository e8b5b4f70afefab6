"""The egress gate: the one way out of a child, which judges, pins, counts and forwards."""
