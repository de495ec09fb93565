"""Searching what is known: the catalogue, packages of this machine, names of their files."""
