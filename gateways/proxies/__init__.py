"""Where the proxies come from: nowhere, a list, or a third party."""
