"""The five stains of Cell Painting: how much light each part of a cell gives.

What each stain shows follows Bray et al. 2016, table 1.

References
----------
.. [1] Bray et al., Cell Painting, a high-content image-based assay for morphological
   profiling using multiplexed fluorescent dyes. Nat. Protoc. 11, 1757 (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.simulation.anatomy import Anatomy
from cellfolio.simulation.cells import FIBRE_DIRECTIONS, Cell
from cellfolio.simulation.perturbations import Effect
from cellfolio.simulation.textures import Field, fibres, noise, ridges

CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")
"""Names of the channels, in the order of every array and file here."""

PHOTONS = {"DNA": 330.0, "RNA": 210.0, "ER": 260.0, "AGP": 190.0, "Mito": 260.0}
"""Photoelectrons of a typical stained pixel, by channel."""


@dataclass(frozen=True, slots=True, eq=False)
class _Canvas:
    """What every stain needs: maps, and factors of each cell spread over its pixels."""

    rng: np.random.Generator
    anatomy: Anatomy
    effect: Effect
    inside: Field
    nucleus: Field
    thickness: Field
    round_cell: Field

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.inside.shape
        return height, width


def stain(
    rng: np.random.Generator, cells: tuple[Cell, ...], anatomy: Anatomy, effect: Effect
) -> NDArray[np.float32]:
    """Draw the light that stained cells give, before optics and camera.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of chance.
    cells : tuple of Cell
        As they were drawn.
    anatomy : Anatomy
        Their maps.
    effect : Effect
        What the treatment does to the stains; shapes have it already.

    Returns
    -------
    array of shape (C, Y, X), float32
        Expected photoelectrons per pixel, channels in the order of `CHANNELS`.
    """
    inside = (anatomy.cells > 0).astype(np.float32)
    mitotic = _spread([cell.mitotic for cell in cells], anatomy)
    flat = 0.22 + 0.78 * np.exp(-2.6 * anatomy.depth)
    ball = 1.5 * np.sqrt(np.clip(1.0 - anatomy.depth**2, 0.0, 1.0))
    canvas = _Canvas(
        rng,
        anatomy,
        effect,
        inside,
        (anatomy.nuclei > 0).astype(np.float32),
        np.where(mitotic > 0, ball, flat).astype(np.float32) * inside,
        mitotic,
    )
    layers = (_dna(canvas, cells), _rna(canvas), _er(canvas), _agp(canvas, cells), _mito(canvas))
    uptake = rng.lognormal(0.0, 0.13, (len(CHANNELS), len(cells)))
    light = [
        layer * _spread(factors, anatomy) * np.float32(PHOTONS[name])
        for name, layer, factors in zip(CHANNELS, layers, uptake, strict=True)
    ]
    return np.stack(light).astype(np.float32, copy=False)


def _spread(values: object, anatomy: Anatomy) -> Field:
    """Give every pixel the value of its cell; 0 outside cells."""
    table = np.concatenate(([0.0], np.asarray(values, np.float64))).astype(np.float32)
    spread: Field = table[anatomy.cells]
    return spread


def _dna(canvas: _Canvas, cells: tuple[Cell, ...]) -> Field:
    """Hoechst 33342: chromatin, mottled, with dark nucleoli."""
    anatomy = canvas.anatomy
    areas = np.bincount(anatomy.nuclei.ravel(), minlength=len(cells) + 1)[1:]
    content = np.array([cell.dna_content for cell in cells])
    # Brightness is DNA per area: 1 for a nucleus of content 1 and 600 pixels.
    density = _spread(content / np.maximum(areas, 1) * 600.0, anatomy)
    mottle = 0.20 * noise(canvas.rng, canvas.shape, 1.4) + 0.13 * noise(
        canvas.rng, canvas.shape, 3.0
    )
    light: Field = canvas.nucleus * density * np.maximum(1 + mottle - 0.42 * anatomy.nucleoli, 0.1)
    return light


def _rna(canvas: _Canvas) -> Field:
    """SYTO 14: nucleoli and the RNA of the cytoplasm."""
    grain = 1.0 + 0.16 * noise(canvas.rng, canvas.shape, 1.0)
    inside = canvas.nucleus * (0.62 + 2.3 * canvas.anatomy.nucleoli)
    light: Field = np.where(canvas.nucleus > 0, inside, 0.95 * canvas.thickness) * grain
    return light


def _er(canvas: _Canvas) -> Field:
    """Concanavalin A: sheets around the nucleus that thin out into a net."""
    mesh = ridges(noise(canvas.rng, canvas.shape, 1.3 * canvas.effect.er_scale), 0.55)
    patch = 1.0 + 0.15 * noise(canvas.rng, canvas.shape, 5.0)
    depth = canvas.anatomy.depth
    net = 0.45 + np.clip(0.25 + 1.2 * depth, 0.0, 0.9) * (1.5 * mesh - 0.55)
    envelope = 0.25 * np.exp(-((depth / 0.07) ** 2))
    cytoplasm = canvas.thickness * np.maximum(net + 0.35, 0.05) + envelope
    light: Field = np.where(canvas.nucleus > 0, 0.30, cytoplasm) * patch * canvas.inside
    light *= np.float32(canvas.effect.er_intensity)
    return light


def _agp(canvas: _Canvas, cells: tuple[Cell, ...]) -> Field:
    """Phalloidin and wheat-germ agglutinin: actin, Golgi and plasma membrane."""
    angles = [np.pi * index / FIBRE_DIRECTIONS for index in range(FIBRE_DIRECTIONS)]
    sheets = np.stack([fibres(canvas.rng, canvas.shape, angle) for angle in angles])
    table = np.array([0, *(cell.fibre_direction for cell in cells)])
    rows, columns = np.indices(canvas.shape, sparse=True)
    bundle = sheets[table[canvas.anatomy.cells], rows, columns] * (1.0 - canvas.round_cell)
    depth, rim = canvas.anatomy.depth, canvas.anatomy.rim
    patch = np.clip(0.75 + 0.45 * noise(canvas.rng, canvas.shape, 7.0), 0.1, None)
    cortex = np.exp(-((rim / 2.0) ** 2)) * patch
    actin = 0.62 * bundle * patch * (0.35 + 0.65 * depth) + 1.0 * cortex
    grain = noise(canvas.rng, canvas.shape, 1.0)
    golgi = canvas.anatomy.golgi * np.maximum(0.75 + 0.6 * grain, 0.0) * (1.0 - canvas.nucleus)
    ruffles = np.maximum(grain - 1.6, 0.0) * 0.6
    base = 0.42 * canvas.thickness + 0.10 + ruffles * (1.0 - canvas.nucleus)
    light: Field = canvas.inside * (base + np.float32(canvas.effect.actin) * actin + 1.2 * golgi)
    return light


def _mito(canvas: _Canvas) -> Field:
    """MitoTracker Deep Red: short threads, dense around the nucleus."""
    threads = ridges(noise(canvas.rng, canvas.shape, 1.15), 0.42)
    gaps = 1.0 / (1.0 + np.exp(-4.0 * noise(canvas.rng, canvas.shape, 1.7)))
    region = np.clip(1.0 + 0.35 * noise(canvas.rng, canvas.shape, 7.0), 0.15, None)
    dense = np.exp(-1.9 * canvas.anatomy.depth) * (1.0 - canvas.nucleus)
    light = dense * region * (0.16 + 2.1 * threads * gaps) + 0.07
    stained: Field = canvas.inside * light * np.float32(canvas.effect.mito_intensity)
    return stained
