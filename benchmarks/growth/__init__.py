"""How time and memory grow with the amount of data: ``python -m benchmarks.growth``.

Each subject is measured in a module of its own, whose `curves` yields what was found. What was
measured is kept in ``measured.json``, from which the table and the picture are made, so that a
subject may be measured by itself.
"""
