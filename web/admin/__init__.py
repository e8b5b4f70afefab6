"""What only administrators see and change."""
