"""The web: pages, the web chat's socket, channels' webhooks, and what operators ask."""
