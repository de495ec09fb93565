"""Hours of use in minutes: processes that are killed, that share a store, a portal that is read."""

import os

# Before NumPy is imported: its threads would not survive in copies of this process.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
