"""Evaluation: what profiles tell of plates, replicates, targets, mechanisms, the other modality.

Pure functions over tables of profiles. Each returns a frozen value with a table, what chance gives,
and a score.
"""

from cellfolio.evaluation.classifiers import LogisticRegression, NeuralClassifier
from cellfolio.evaluation.folds import group_folds, stratified_group_folds
from cellfolio.evaluation.lasso import fit_lasso
from cellfolio.evaluation.matching import MatchedBy, Matching, SampledTargets, percent_matching
from cellfolio.evaluation.mechanism import Design, Mechanisms, classify
from cellfolio.evaluation.models import Lasso, NeuralNetwork, Ridge
from cellfolio.evaluation.neighbours import Neighbours, nearest_labels
from cellfolio.evaluation.nulls import AllPairs, Cutoff, Null, OneOfEach, SampledGroups
from cellfolio.evaluation.pairing import Paired, Reproducible, pair, pair_replicates
from cellfolio.evaluation.precision import average_precision
from cellfolio.evaluation.precision_means import Retrieval, mean_average_precision
from cellfolio.evaluation.precision_pairs import PairRule
from cellfolio.evaluation.prediction import Prediction, Validation, associations, predict
from cellfolio.evaluation.quality import PlateDesign, PlateQuality, QualityRules, plate_quality
from cellfolio.evaluation.replicability import Replicability, percent_replicating
from cellfolio.evaluation.ridge import fit_ridge
from cellfolio.evaluation.site_quality import SiteFlag, SiteQuality, SiteRules, site_quality

__all__ = [
    "AllPairs",
    "Cutoff",
    "Design",
    "Lasso",
    "LogisticRegression",
    "MatchedBy",
    "Matching",
    "Mechanisms",
    "Neighbours",
    "NeuralClassifier",
    "NeuralNetwork",
    "Null",
    "OneOfEach",
    "PairRule",
    "Paired",
    "PlateDesign",
    "PlateQuality",
    "Prediction",
    "QualityRules",
    "Replicability",
    "Reproducible",
    "Retrieval",
    "Ridge",
    "SampledGroups",
    "SampledTargets",
    "SiteFlag",
    "SiteQuality",
    "SiteRules",
    "Validation",
    "associations",
    "average_precision",
    "classify",
    "fit_lasso",
    "fit_ridge",
    "group_folds",
    "mean_average_precision",
    "nearest_labels",
    "pair",
    "pair_replicates",
    "percent_matching",
    "percent_replicating",
    "plate_quality",
    "predict",
    "site_quality",
    "stratified_group_folds",
]
