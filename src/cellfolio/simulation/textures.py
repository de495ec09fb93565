"""Random textures: smoothed noise, ridges and fibres, over periodic canvases."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""Image of shape (Y, X)."""


@lru_cache(maxsize=64)
def _gaussian(shape: tuple[int, int], sigma: float) -> Field:
    """Transfer function of a Gaussian blur, laid out as `numpy.fft.rfft2` lays out its result."""
    y = np.fft.fftfreq(shape[0])[:, None]
    x = np.fft.rfftfreq(shape[1])[None, :]
    transfer: Field = np.exp(-2 * (np.pi * sigma) ** 2 * (y * y + x * x)).astype(np.float32)
    transfer.flags.writeable = False
    return transfer


def _filtered(image: Field, transfer: NDArray[Any]) -> Field:
    shape = (image.shape[0], image.shape[1])
    result: Field = np.fft.irfft2(np.fft.rfft2(image) * transfer, shape).astype(
        np.float32, copy=False
    )
    return result


def blur(image: Field, sigma: float, *, glow: float = 0.0) -> Field:
    """Blur an image as a microscope does: a sharp core and a faint wide glow.

    Parameters
    ----------
    image : array of shape (Y, X), float32
        Treated as periodic.
    sigma : float
        Standard deviation of the core, pixel.
    glow : float
        Share of the light that goes to a Gaussian of 9 pixels, light from outside the focus.

    Returns
    -------
    array of shape (Y, X), float32
        Of the same sum.

    Examples
    --------
    >>> point = np.zeros((32, 32), np.float32)
    >>> point[16, 16] = 1
    >>> spread = blur(point, 1.0, glow=0.2)
    >>> bool(spread.max() < 0.2), round(float(spread.sum()), 3)
    (True, 1.0)
    """
    shape = (image.shape[0], image.shape[1])
    transfer = _gaussian(shape, sigma)
    if glow:
        transfer = (1 - glow) * transfer + glow * _gaussian(shape, 9.0)
    return _filtered(image, transfer)


def noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Field:
    """Draw noise that has one characteristic size: white noise between two Gaussian blurs.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of chance.
    shape : tuple of int
        Height and width, pixel.
    scale : float
        Standard deviation of the finer blur, pixel; blobs are about three times as wide.

    Returns
    -------
    array of shape (Y, X), float32
        Mean 0, standard deviation 1.

    Examples
    --------
    >>> field = noise(np.random.default_rng(0), (64, 64), 2.0)
    >>> field.shape, round(float(field.std()), 3)
    ((64, 64), 1.0)
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    field = _filtered(white, _gaussian(shape, scale) - _gaussian(shape, 2 * scale))
    result: Field = field / field.std()
    return result


def ridges(field: Field, width: float) -> Field:
    """Return a network of lines: where a noise field crosses zero.

    Parameters
    ----------
    field : array of shape (Y, X), float32
        Noise of standard deviation 1.
    width : float
        Half width of the lines, in units of the field.

    Returns
    -------
    array of shape (Y, X), float32
        From 0, between the lines, to 1, on them.

    Examples
    --------
    >>> ridges(np.array([[0.0, 2.0]], np.float32), 0.5).round(3).tolist()
    [[1.0, 0.0]]
    """
    lines: Field = np.exp(-((field / np.float32(width)) ** 2))
    return lines


def fibres(rng: np.random.Generator, shape: tuple[int, int], angle: float) -> Field:
    """Draw bundles of parallel fibres.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stream of chance.
    shape : tuple of int
        Height and width, pixel.
    angle : float
        Direction of the fibres, radian, from the x axis towards the y axis.

    Returns
    -------
    array of shape (Y, X), float32
        0 between fibres; about 1 on one, more on a strong one.

    Examples
    --------
    >>> field = fibres(np.random.default_rng(0), (64, 64), 0.0)
    >>> across, along = np.abs(np.diff(field, axis=0)), np.abs(np.diff(field, axis=1))
    >>> bool(across.mean() > 5 * along.mean())
    True
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    field = _filtered(white, _elongated(shape, angle))
    bundles: Field = np.maximum(field / field.std() - 0.3, 0.0)
    return bundles


@lru_cache(maxsize=64)
def _elongated(shape: tuple[int, int], angle: float) -> Field:
    """Transfer function that keeps what is long along `angle` and thin across it."""
    y = np.fft.fftfreq(shape[0])[:, None]
    x = np.fft.rfftfreq(shape[1])[None, :]
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    thin = np.exp(-2 * (np.pi * 0.9 * across) ** 2) - np.exp(-2 * (np.pi * 3.0 * across) ** 2)
    transfer: Field = (thin * np.exp(-2 * (np.pi * 12.0 * along) ** 2)).astype(np.float32)
    transfer.flags.writeable = False
    return transfer
