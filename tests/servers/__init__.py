"""Servers for tests: a real S3 on loopback, and a proxy that breaks it on request."""
