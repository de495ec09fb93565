"""Requests to S3 of our own, for what the client for everything else cannot do, or not as fast."""
