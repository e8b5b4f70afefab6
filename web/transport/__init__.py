"""Transport: HTTP as it comes and goes, below the app."""
