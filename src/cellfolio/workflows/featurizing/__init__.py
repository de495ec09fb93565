"""Featurizing: networks that were trained elsewhere describe the cells of images."""
