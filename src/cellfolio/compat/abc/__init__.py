"""AbcProjectCache of the Allen Brain Cell Atlas, on this library's transfers and checks.

Change the import line and keep the rest of the program::

    from abc_atlas_access.abc_atlas_cache.abc_project_cache import AbcProjectCache   # before
    from cellfolio.compat.abc import AbcProjectCache                                 # after

The modules have the names of the peer's, and together the public names of its versions 0.2.0 and
1.1.1. What a cache looks like on disk: `cellfolio.compat.abc.bookkeeping`.
"""

from cellfolio.compat.abc.abc_project_cache import AbcProjectCache

__all__ = ["AbcProjectCache"]
