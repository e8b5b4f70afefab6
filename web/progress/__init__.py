"""Progress: the socket, and who is told what on it."""
