"""cellfolio."""
