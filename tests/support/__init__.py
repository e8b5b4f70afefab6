"""Real parts for the tests: media, a video site, a proxy, a provider and the services."""
