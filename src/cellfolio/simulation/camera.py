"""From light to pixel values: optics, illumination, and the noise of a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellfolio.simulation.design import ExperimentDesign, Plate, Stream
from cellfolio.simulation.staining import CHANNELS
from cellfolio.simulation.textures import Field, blur

COUNTS_PER_ELECTRON = 4.0
"""Gain of the camera."""

OFFSET = 120.0
"""Pixel value of darkness."""

READ_NOISE = 7.0
"""Standard deviation of the read noise, counts."""

POINT_SPREAD = (0.85, 0.85, 0.75, 0.75, 0.80)
"""Standard deviation of the optical blur by channel, pixel."""

GLOW = 0.14
"""Share of the light that comes from outside the focus."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one plate does to one channel.

    Parameters
    ----------
    gain : float
        Staining and lamp, relative to other plates.
    background : float
        Light without cells, photoelectrons per pixel.
    fall_off : float
        Loss of illumination at a distance of half an image diagonal from the brightest point.
    centre : tuple of float
        Brightest point, y and x, as shares of height and width.
    """

    gain: float
    background: float
    fall_off: float
    centre: tuple[float, float]


def batches(design: ExperimentDesign, plate: Plate) -> tuple[Batch, ...]:
    """Draw what a plate does to each channel.

    Parameters
    ----------
    design : ExperimentDesign
        The experiment.
    plate : Plate
        One of its plates.

    Returns
    -------
    tuple of Batch
        One per channel, in the order of `CHANNELS`.

    Examples
    --------
    >>> design = ExperimentDesign(seed=7)
    >>> [0.6 < batch.gain < 1.6 for batch in batches(design, design.plates[0])]
    [True, True, True, True, True]
    """
    rng = design.stream(Stream.BATCH, plate.index)
    return tuple(
        Batch(
            float(rng.lognormal(0.0, 0.10)),
            float(rng.uniform(9.0, 20.0)),
            float(rng.uniform(0.15, 0.35)),
            (float(rng.uniform(0.38, 0.62)), float(rng.uniform(0.38, 0.62))),
        )
        for _ in CHANNELS
    )


def illumination(shape: tuple[int, int], batch: Batch) -> Field:
    """Return how brightly each pixel is lit.

    Parameters
    ----------
    shape : tuple of int
        Height and width, pixel.
    batch : Batch
        What the plate does to the channel.

    Returns
    -------
    array of shape (Y, X), float32
        1 at the brightest point.

    Examples
    --------
    >>> field = illumination((3, 3), Batch(1.0, 10.0, 0.3, (0.5, 0.5)))
    >>> print(field.round(2))
    [[0.87 0.93 0.87]
     [0.93 1.   0.93]
     [0.87 0.93 0.87]]
    """
    y = (np.arange(shape[0])[:, None] + 0.5) / shape[0] - batch.centre[0]
    x = (np.arange(shape[1])[None, :] + 0.5) / shape[1] - batch.centre[1]
    lit: Field = (1.0 - batch.fall_off * (y * y + x * x) * 2.0).astype(np.float32)
    return lit


def focus(light: NDArray[np.float32], defocus: float) -> NDArray[np.float32]:
    """Blur light as the objective does.

    Parameters
    ----------
    light : array of shape (C, Y, X), float32
        Photoelectrons, channels in the order of `CHANNELS`.
    defocus : float
        Blur that comes on top of the optics, pixel; 0 in focus.

    Returns
    -------
    array of shape (C, Y, X), float32
        Photoelectrons.
    """
    return np.stack(
        [
            blur(layer, float(np.hypot(sigma, defocus)), glow=GLOW)
            for layer, sigma in zip(light, POINT_SPREAD, strict=True)
        ]
    )


def expose(
    rng: np.random.Generator, light: NDArray[np.float32], plate: tuple[Batch, ...]
) -> NDArray[np.uint16]:
    """Take a picture: uneven illumination, shot noise, read noise, 16 bit.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of chance.
    light : array of shape (C, Y, X), float32
        Photoelectrons.
    plate : tuple of Batch
        One per channel.

    Returns
    -------
    array of shape (C, Y, X), uint16
        Pixel values; what is too bright is 65535.
    """
    picture = np.empty(light.shape, np.uint16)
    for index, (layer, batch) in enumerate(zip(light, plate, strict=True)):
        lit = illumination((layer.shape[0], layer.shape[1]), batch)
        electrons = rng.poisson(
            np.maximum(layer * np.float32(batch.gain) + batch.background, 0) * lit
        )
        read = rng.standard_normal(layer.shape, dtype=np.float32) * np.float32(READ_NOISE)
        counts = electrons * np.float32(COUNTS_PER_ELECTRON) + np.float32(OFFSET) + read
        picture[index] = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    return picture
