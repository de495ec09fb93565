"""Doors that other tools' programs can use: their names, their layout on disk, our engine."""
