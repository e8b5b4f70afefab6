"""What V-Asset talks to: yt-dlp, proxy providers."""
