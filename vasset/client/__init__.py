"""The command-line client: another computer's V-Asset, or this one's, from the outside."""
