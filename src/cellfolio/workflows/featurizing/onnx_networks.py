"""Networks in ONNX, by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.extras import importing
from cellfolio.measurement.networks import Images
from cellfolio.workflows.featurizing.networks import Device, NetworkFile

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


def load_onnx(
    file: NetworkFile, device: Device, threads: int
) -> tuple[Callable[[Images], Images], Device]:
    """Load a network in ONNX; return it as a function, and the device.

    It has one input of 32-bit decimals, of shape (images, colours, rows, columns). Its first
    output is what is used.

    Raises
    ------
    InvalidArgument
        If ONNX Runtime cannot use the device.
    LibraryMissing
        If it is not installed.
    BrokenFile
    """
    with importing("ONNX Runtime", extra="onnx", what="a network in ONNX"):
        import onnxruntime
    able = _CUDA in onnxruntime.get_available_providers()
    if device == "cuda" and not able:
        raise InvalidArgument(
            "ONNX Runtime cannot use a GPU here",
            hint="install onnxruntime-gpu in place of onnxruntime, or take the CPU",
        )
    used: Device = "cuda" if able and device != "cpu" else "cpu"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    # Weights in other files would not be what was hashed: there is no folder to find them in.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", os.devnull
    )
    try:
        session = onnxruntime.InferenceSession(
            file.data, options, providers=[_CUDA, _CPU] if used == "cuda" else [_CPU]
        )
    except Exception as error:  # of several kinds, which ONNX Runtime does not document
        raise BrokenFile(file.title, "ONNX", _told(error), hint=_hint(error)) from None
    return _OnnxFunction(session, file.title), used


class _OnnxFunction:
    """A session as a function of images."""

    def __init__(self, session: Any, title: str) -> None:
        self._session = session
        self._title = title
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            found = "; ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
            raise InvalidArgument(
                f"{title} should have one input of 32-bit decimals with four axes (images, "
                f"colours, rows, columns), found {found}"
            )
        self._name, self._shape = inputs[0].name, inputs[0].shape
        self._output = session.get_outputs()[0].name

    def __call__(self, batch: Images) -> Images:
        fixed = [(want, has) for want, has in zip(self._shape, batch.shape, strict=True)][1:]
        if any(isinstance(want, int) and want != has for want, has in fixed):
            colours, rows, columns = self._shape[1:]
            raise InvalidArgument(
                f"{self._title} is made for images of {colours} colours, {rows} × {columns} "
                f"pixels, found {' × '.join(map(str, batch.shape[1:]))}",
                hint="choose the size of crops, and whether channels are shown each or together",
            )
        count = self._shape[0] if isinstance(self._shape[0], int) else len(batch)
        parts = []
        for start in range(0, len(batch), count):
            part = batch[start : start + count]
            filled = np.zeros((count, *batch.shape[1:]), dtype=np.float32)
            filled[: len(part)] = part
            parts.append(self._run(filled)[: len(part)])
        return np.concatenate(parts)

    def _run(self, batch: Images) -> Images:
        try:
            found = self._session.run([self._output], {self._name: batch})[0]
        except Exception as error:
            raise InvalidArgument(f"{self._title} cannot be run: {_told(error)}") from None
        return np.asarray(found)


def _told(error: Exception) -> str:
    return " ".join(str(error).rpartition(" : ")[2].split())[:300]


def _hint(error: Exception) -> str:
    if "external data" in str(error).lower():
        return "save the network with its weights in one file, which a digest is of"
    return ""
