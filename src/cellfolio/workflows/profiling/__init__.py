"""Recipes: from single cells, or wells, to the files of every plate."""
