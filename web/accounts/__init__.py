"""Accounts: who is asking, passwords, tokens, keys, quotas."""
