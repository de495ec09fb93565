"""Evaluation: how much profiles tell, as numbers that can be compared."""
