"""Bytes: remote stores, the content-addressed blob store, transfers and checkouts."""
