"""What V-Asset keeps: rows in PostgreSQL, keys in Redis, files on the node's disk."""
