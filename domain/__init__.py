"""What a download is: states, rules, failures. Standard library only, no clock, no I/O."""
