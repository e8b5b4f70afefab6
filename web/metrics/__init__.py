"""What is measured, and the port on which it is told."""
