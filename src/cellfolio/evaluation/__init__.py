"""Evaluation: do replicates look alike, do perturbations of one target, and by how much?

Pure functions over tables of profiles. Each returns a frozen value with a table, what chance gives,
and a score.
"""

from cellfolio.evaluation.matching import MatchedBy, Matching, SampledTargets, percent_matching
from cellfolio.evaluation.nulls import AllPairs, Cutoff, Null, OneOfEach, SampledGroups
from cellfolio.evaluation.precision import average_precision
from cellfolio.evaluation.precision_means import Retrieval, mean_average_precision
from cellfolio.evaluation.precision_pairs import PairRule
from cellfolio.evaluation.replicability import Replicability, percent_replicating

__all__ = [
    "AllPairs",
    "Cutoff",
    "MatchedBy",
    "Matching",
    "Null",
    "OneOfEach",
    "PairRule",
    "Replicability",
    "Retrieval",
    "SampledGroups",
    "SampledTargets",
    "average_precision",
    "mean_average_precision",
    "percent_matching",
    "percent_replicating",
]
