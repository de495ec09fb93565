"""A simulated Cell Painting experiment whose truth is known.

Plan an experiment, simulate any of its sites, ask what a correct analysis must find, or write
the whole to a folder:

>>> design = ExperimentDesign(seed=7, plate_count=1)
>>> known_truth(design).inactive
('simplacib',)
"""

from cellfolio.simulation.design import PIXEL_SIZE_UM, ExperimentDesign, Plate, WellDesign
from cellfolio.simulation.perturbations import DMSO, LIBRARY, Effect, Perturbation
from cellfolio.simulation.revisions import REVISIONS, RevisionPlan, Site, plan_revision
from cellfolio.simulation.site import Acquisition, ObjectTruth, SiteImages, simulate_site
from cellfolio.simulation.staining import CHANNELS
from cellfolio.simulation.truth import Expectation, KnownTruth, known_truth
from cellfolio.simulation.writer import WrittenExperiment, write_experiment

__all__ = [
    "CHANNELS",
    "DMSO",
    "LIBRARY",
    "PIXEL_SIZE_UM",
    "REVISIONS",
    "Acquisition",
    "Effect",
    "Expectation",
    "ExperimentDesign",
    "KnownTruth",
    "ObjectTruth",
    "Perturbation",
    "Plate",
    "RevisionPlan",
    "Site",
    "SiteImages",
    "WellDesign",
    "WrittenExperiment",
    "known_truth",
    "plan_revision",
    "simulate_site",
    "write_experiment",
]
