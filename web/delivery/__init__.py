"""Delivery: the bytes of finished downloads, to their owners."""
