"""Networks of PyTorch: TorchScript, and weights of the default network."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.extras import importing
from cellfolio.measurement.networks import Images
from cellfolio.workflows.featurizing.networks import DEFAULT, Device, NetworkFile


def load_torchscript(
    file: NetworkFile, device: Device, threads: int
) -> tuple[Callable[[Images], Images], Device]:
    """Load a network in TorchScript; return it as a function, and the device.

    Its result is a tensor, or several of which the first is used.

    Raises
    ------
    InvalidArgument
        If PyTorch cannot use the device.
    LibraryMissing
        If it is not installed.
    BrokenFile
    """
    torch = _torch("networks in TorchScript")
    used = _device(torch, device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the format, from PyTorch 2.13
            module = torch.jit.load(io.BytesIO(file.data), map_location=used)
    except Exception as error:  # RuntimeError, and what a damaged file leads to
        raise BrokenFile(file.title, "TorchScript", _told(error)) from None
    return _TorchFunction(module.eval(), file.title, used, threads), used


def load_efficientnet(
    file: NetworkFile, device: Device, threads: int
) -> tuple[Callable[[Images], Images], Device]:
    """Load weights of efficientnet-lite0; return it as a function, and the device.

    The function gives the 1,280 numbers that the network tells its classes by: the means of the
    last maps. Images may have any size from 32 pixels.

    Raises
    ------
    InvalidArgument
        If weights are those of another network.
    LibraryMissing
        If PyTorch or the network is not installed.
    BrokenFile
        If the file holds anything but tensors by name.
    """
    torch = _torch(DEFAULT)
    used = _device(torch, device)
    with importing("efficientnet-lite-pytorch", extra="deep", what=DEFAULT):
        from efficientnet_lite_pytorch import EfficientNet
    # Rule: `weights_only` reads tensors and plain containers. Any other pickle is a program.
    try:
        weights = torch.load(io.BytesIO(file.data), map_location="cpu", weights_only=True)
    except Exception as error:  # UnpicklingError, and whatever a hostile file leads to
        raise BrokenFile(
            file.title,
            "weights",
            f"it holds more than tensors, or is damaged: {_told(error)}",
            hint="save the tensors only: torch.save(network.state_dict(), path)",
        ) from None
    module = EfficientNet.from_name(DEFAULT, image_size=None)  # images of any size
    try:
        module.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"{file.title} has not the weights of {DEFAULT}: {_told(error)}",
            hint="export another network as ONNX",
        ) from None
    module.eval().to(used)
    return _TorchFunction(module, file.title, used, threads, "extract_features"), used


class _TorchFunction:
    """A module as a function of images."""

    def __init__(
        self, module: Any, title: str, device: str, threads: int, method: str = "__call__"
    ) -> None:
        self._function = getattr(module, method)
        self._title = title
        self._device = device
        self._threads = threads

    def __call__(self, batch: Images) -> Images:
        import numpy as np
        import torch

        with _repeatable(torch, self._threads), torch.inference_mode():
            given = torch.from_numpy(np.ascontiguousarray(batch)).to(self._device)
            try:
                found = self._function(given)
            except RuntimeError as error:
                raise InvalidArgument(
                    f"{self._title} cannot be run on images of shape {batch.shape}: {_told(error)}",
                    hint="choose the size of crops, and whether channels are shown each or "
                    "together",
                ) from None
            if isinstance(found, (tuple, list)) and found:
                found = found[0]
            if not isinstance(found, torch.Tensor):
                raise InvalidArgument(
                    f"{self._title} should give a tensor, found {type(found).__name__}"
                )
            return np.asarray(found.float().cpu().numpy())


@contextmanager
def _repeatable(torch: Any, threads: int) -> Iterator[None]:
    """Have the same input give the same output; leave the settings of the process as they were."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.set_num_threads(before)


def _torch(what: str) -> Any:
    with importing("PyTorch", extra="deep", what=what):
        import torch
    return torch


def _device(torch: Any, wanted: Device) -> Device:
    able = torch.cuda.is_available()
    if wanted == "cuda" and not able:
        raise InvalidArgument("PyTorch finds no GPU that it can use here", hint="take the CPU")
    return "cuda" if able and wanted != "cpu" else "cpu"


def _told(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
