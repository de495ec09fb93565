"""Measuring the sites of plates: from images, wherever they are, to single cells in Parquet."""
