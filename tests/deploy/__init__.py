"""What deploy/ and compose.yaml hold, run on real parts."""
