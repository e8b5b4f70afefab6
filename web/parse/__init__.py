"""Parse: what is at an address."""
