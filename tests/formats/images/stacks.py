"""TIFF files of every kind that can be opened, written by tifffile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from hypothesis import strategies as st
from numpy.typing import NDArray

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
CODECS = (None, "zlib", "lzw", "zstd", "packbits")


@dataclass(frozen=True)
class Stack:
    """A file to be written.

    Attributes
    ----------
    axes : str
        In the order of the file.
    sizes : tuple of int
    dtype : str
    kind : str
        ``ome``, ``imagej``, ``shaped`` or ``plain``.
    options : dict
        Of tifffile.imwrite.
    seed : int
    """

    axes: str
    sizes: tuple[int, ...]
    dtype: str
    kind: str
    options: dict[str, Any]
    seed: int

    def array(self) -> NDArray[Any]:
        """Return the pixels: half noise, half flat, so that codecs have something to do."""
        random = np.random.default_rng(self.seed)
        found = random.integers(0, 120, self.sizes).astype(self.dtype)
        found[..., self.sizes[-1] // 2 :] = 7
        return found

    def write(self, path: Path) -> NDArray[Any]:
        """Write the file; return its pixels."""
        array = self.array()
        metadata = {"axes": self.axes} if self.kind in ("ome", "imagej") else None
        if self.kind == "shaped":
            metadata = {}
        tifffile.imwrite(
            path,
            array,
            ome=self.kind == "ome",
            imagej=self.kind == "imagej",
            metadata=metadata,
            photometric="minisblack",
            **self.options,
        )
        return array

    def expected(self) -> tuple[str, NDArray[Any]]:
        """Return the axes and pixels that the image has to have."""
        array = self.array()
        kept = [at for at, size in enumerate(self.sizes) if size > 1 or self.axes[at] in "YX"]
        array = array.reshape([self.sizes[at] for at in kept])
        axes = "".join(self.axes[at] for at in kept)
        if self.kind == "shaped":  # axes without names take the last ones
            axes = "TCZ"[3 - len(axes) + 2 :] + "YX"
        order = [axes.index(axis) for axis in "TCZYX" if axis in axes]
        return "".join(axes[at] for at in order), array.transpose(order)


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Files of all shapes, types, codecs, byte orders; in strips and tiles."""
    kind = draw(st.sampled_from(("ome", "imagej", "shaped", "plain")))
    lead = draw(st.sampled_from(_LEADS[kind]))
    sizes = tuple(draw(st.integers(1, 4)) for _ in lead)
    # tifffile takes a last axis of 3 or 4 for samples where nothing says otherwise
    inner = (draw(st.integers(5, 40)), draw(st.integers(5, 40)))
    dtype = draw(st.sampled_from(("u1", "u2", "f4") if kind == "imagej" else DTYPES))
    options: dict[str, Any] = {}
    if kind != "imagej":
        options = draw(_options(dtype))
    return Stack(lead + "YX", (*sizes, *inner), dtype, kind, options, draw(st.integers(0, 99)))


_LEADS: dict[str, Sequence[str]] = {
    "ome": ("", "Z", "C", "T", "CZ", "ZC", "TCZ", "TZC", "ZTC", "CTZ"),
    "imagej": ("", "Z", "C", "T", "ZC", "TC", "TZC"),
    "shaped": ("", "Z", "CZ", "TCZ"),
    "plain": ("", "Z"),
}


@st.composite
def _options(draw: st.DrawFn, dtype: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "byteorder": draw(st.sampled_from("<>")),
        "bigtiff": draw(st.booleans()),
        "compression": draw(st.sampled_from(CODECS)),
    }
    if draw(st.booleans()):
        options["tile"] = (16 * draw(st.integers(1, 2)), 16 * draw(st.integers(1, 2)))
    else:
        options["rowsperstrip"] = draw(st.integers(1, 50))
    if options["compression"] not in (None, "packbits"):
        options["predictor"] = draw(st.booleans())
    return options
