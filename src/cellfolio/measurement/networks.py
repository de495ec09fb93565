"""Deep features: what a network says of each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from cellfolio.errors import InvalidArgument
from cellfolio.measurement.crops import Crops

Images = npt.NDArray[np.float32]
Channels: TypeAlias = Literal["each", "together"]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Of red, green and blue; what networks that were trained on ImageNet are given is centred so."""
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Network(Protocol):
    """Any function from images to numbers.

    Rules that every network keeps:

    1. The same images give the same numbers.
    2. A row says something of its image only, never of the others.
    """

    @property
    def name(self) -> str:
        """What its features begin with, as in ``name_0``."""

    def embed(self, batch: Images) -> Images:
        """Return what the network says of images.

        Parameters
        ----------
        batch : array of float32, shape (images, colours, rows, columns)

        Returns
        -------
        array of float32, shape (images, features) or (images, features, rows, columns)
        """


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a network is shown a cell.

    Attributes
    ----------
    channels : {'each', 'together'}
        Each channel by itself as a grey picture of three colours, normalized as those of ImageNet;
        the features of the channels stand one after the other. Or all channels as the colours of
        one picture, from 0 to 1, for networks that were trained on such.
    batch : int
        Cells that are shown at once. The last ones of a site are filled up with black, so that a
        network always has the same shape to work on: with the same batch, a cell's features do
        not depend on how many cells there are.

    References
    ----------
    Moshkov et al. 2024, https://doi.org/10.1038/s41467-024-45999-1, and Ando et al. 2017,
    https://doi.org/10.1101/161422, for each channel by itself.
    """

    channels: Channels = "each"
    batch: int = 8

    def __post_init__(self) -> None:
        if self.channels not in get_args(Channels):
            raise InvalidArgument(
                f"channels should be one of {get_args(Channels)}, found {self.channels!r}"
            )
        if not 1 <= self.batch <= 65_536:
            raise InvalidArgument(f"batch should be from 1 to 65536 cells, found {self.batch}")

    def show(self, crops: Images) -> Images:
        """Return crops as the pictures that a network is given.

        Parameters
        ----------
        crops : array of float32, shape (cells, channels, size, size)

        Returns
        -------
        array of float32, shape (pictures, colours, size, size)
            Cell by cell, and if each channel is shown by itself, channel by channel.
        """
        if self.channels == "together":
            return crops
        size = crops.shape[2:]
        grey = crops.reshape(-1, 1, *size)
        mean = np.array(IMAGENET_MEAN, dtype=np.float32)[:, None, None]
        deviation = np.array(IMAGENET_DEVIATION, dtype=np.float32)[:, None, None]
        return (grey - mean) / deviation


def embed_cells(crops: Crops, network: Network, presentation: Presentation | None = None) -> Images:
    """Return what a network says of each cell.

    Parameters
    ----------
    crops : Crops
    network : Network
    presentation : Presentation, optional

    Returns
    -------
    array of float32, shape (cells, features)
        Where each channel is shown by itself: all features of the first channel, then those of the
        second, in the order of `Crops.channels`. Where a network gives maps, their means.

    Raises
    ------
    InvalidArgument
        If the network gives something else, or no finite numbers.

    Examples
    --------
    >>> from cellfolio.measurement.crops import CropSettings, crop_cells
    >>> class Brightest:
    ...     name = "brightest"
    ...     def embed(self, batch):
    ...         return batch.max(axis=(2, 3))
    >>> labels = np.diag([3, 0, 9])
    >>> images = {"DNA": np.eye(3), "ER": np.eye(3) / 2}
    >>> crops = crop_cells(labels, images, CropSettings(1, scaling="type"))
    >>> embed_cells(crops, Brightest(), Presentation("together")).tolist()
    [[1.0, 0.5], [1.0, 0.5]]
    """
    presentation = presentation or Presentation()
    batch = presentation.batch
    found: list[Images] = []
    for start in range(0, max(1, len(crops)), batch):
        cells = crops.read(start, start + batch)
        filled = np.zeros((batch, *cells.shape[1:]), dtype=np.float32)
        filled[: len(cells)] = cells
        pictures = presentation.show(filled)
        numbers = _checked(network.embed(pictures), len(pictures), network.name)
        found.append(numbers.reshape(batch, -1)[: len(cells)])
    if len({one.shape[1] for one in found}) > 1:
        raise InvalidArgument(f"{network.name} gives not always the same number of features")
    features = np.concatenate(found)
    lost = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(lost):
        raise InvalidArgument(
            f"{network.name} gives no finite numbers for {len(lost)} of {len(crops)} cells, "
            f"the first of them {crops.numbers[lost[0]]}",
            hint="check what it wants to be shown",
        )
    return features


def _checked(given: npt.ArrayLike, pictures: int, name: str) -> Images:
    """Return what a network gave as a row for each picture."""
    numbers = np.asarray(given)
    if numbers.dtype.kind != "f" or numbers.ndim not in (2, 4) or len(numbers) != pictures:
        raise InvalidArgument(
            f"{name} should give decimals of the shape ({pictures}, features) or ({pictures}, "
            f"features, rows, columns), found {numbers.dtype} of shape {numbers.shape}"
        )
    if numbers.ndim == 4:
        numbers = numbers.mean(axis=(2, 3), dtype=np.float32)
    return numbers.astype(np.float32, copy=False)
