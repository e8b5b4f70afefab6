"""yt-dlp behind a door: a warm server, single-use children, one runner."""
