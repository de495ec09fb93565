"""Whole tasks: loaders, then functions, then writers."""
