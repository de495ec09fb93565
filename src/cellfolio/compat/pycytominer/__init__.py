"""pycytominer's functions, on this library's profiles.

Change the import line and keep the rest of the program::

    from pycytominer import aggregate, annotate, normalize                     # before
    from cellfolio.compat.pycytominer import aggregate, annotate, normalize    # after

Names, parameters, defaults and kinds of errors are those of version 1.7. Where results differ, the
reference page "Differences to pycytominer" says why.
"""

from cellfolio.compat.pycytominer import cyto_utils
from cellfolio.compat.pycytominer.aggregate import aggregate
from cellfolio.compat.pycytominer.annotate import annotate
from cellfolio.compat.pycytominer.consensus import consensus
from cellfolio.compat.pycytominer.feature_select import feature_select
from cellfolio.compat.pycytominer.normalize import normalize

__all__ = ["aggregate", "annotate", "consensus", "cyto_utils", "feature_select", "normalize"]
