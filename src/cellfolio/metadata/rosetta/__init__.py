"""Profiles of the five Rosetta data sets: morphology and expression of the same perturbations."""
