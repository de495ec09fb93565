"""Plain measurements of the quantities that effects change, independent of the simulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellfolio.simulation import SiteImages

Pixels = NDArray[np.float64]


def quantities(result: SiteImages) -> dict[str, float]:
    """Measure one site; names are those of the fields of `Effect`."""
    nuclei = result.nuclei > 0
    cells = result.cells > 0
    whole = [each for each in result.objects if not each.touches_border]
    rna, er, agp, mito = (signal(result, name) for name in ("RNA", "ER", "AGP", "Mito"))
    ring = cells & ~nuclei
    return {
        "cell_count": float(len(result.objects)),
        "nucleus_area": float(np.mean([each.nucleus_area for each in whole])) if whole else np.nan,
        "nucleolus_area": float((rna[nuclei] > 1.7 * np.median(rna[nuclei])).mean()),
        "er_intensity": float(er[ring].mean()),
        "er_scale": correlation_length(er, ring),
        "actin": float((agp - box_mean(agp, 5))[ring].std()),
        "mito_intensity": float(mito[ring].mean()),
    }


def signal(result: SiteImages, name: str) -> Pixels:
    """Pixel values above the background, which is the darkest of the image."""
    plane = result.channel(name).astype(np.float64)
    return plane - np.percentile(plane, 1)


def correlation_length(image: Pixels, mask: NDArray[np.bool_]) -> float:
    """Correlation of a pixel's texture with its neighbour's two pixels on: coarser is higher."""
    texture = image - box_mean(image, 7)
    pairs = mask[:, 2:] & mask[:, :-2]
    return float(np.corrcoef(texture[:, 2:][pairs], texture[:, :-2][pairs])[0, 1])


def box_mean(image: Pixels, half: int) -> Pixels:
    """Mean of the square of ``2 * half + 1`` pixels around each pixel."""
    side = 2 * half + 1
    total = np.pad(image, half + 1, mode="edge").cumsum(axis=0).cumsum(axis=1)
    total = (
        total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    )
    return np.asarray(total[: image.shape[0], : image.shape[1]]) / side**2
