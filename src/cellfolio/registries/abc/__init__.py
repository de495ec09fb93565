"""Releases of the Allen Brain Cell Atlas."""
