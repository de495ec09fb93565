"""Small copies of the five public systems in one bucket, and the variables that lead there.

Names, layouts and manifests are as the public systems have them; the files are small and made
here. Nothing of cellfolio's own writing side is used: objects are put with the S3 client, so that
reading is not tested against itself.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from tests.servers.seaweed import SeaweedServer

ATLAS = "allen-brain-cell-atlas"
GALLERY = "cellpainting-gallery"
CARDIO = "allencell-internal-quilt"
LINES = "allencell"
SOURCE = f"{GALLERY}/cpg0000-jump-pilot/source_4/images"
PLATE = "2020_11_04_CPJUMP1/images/BR00117010__2020-11-08T18_18_00-Measurement1/Images"
ROSETTA = f"{GALLERY}/cpg0003-rosetta/broad/workspace/preprocessed_data/LINCS-Pilot1"
REPOSITORY = "jump-cellpainting/2021_Chandrasekaran_submitted"
HOSTS = ("codeload.github.com", "media.githubusercontent.com")
RELEASES = ("20230830", "20231215")

Files = dict[str, bytes]


def made_up(name: str, size: int) -> bytes:
    """Return bytes that only this name has."""
    return hashlib.shake_256(name.encode()).digest(size)


# Allen Brain Cell Atlas


def atlas_files() -> dict[tuple[str, str, str, str], str]:
    """Return the path of each file by directory, kind, listed name and variant."""
    return {
        ("WMB-taxonomy", "metadata", "cluster", ""): "cluster.csv",
        ("WMB-taxonomy", "metadata", "cluster_annotation_term", ""): "cluster_annotation_term.csv",
        ("WMB-taxonomy", "metadata", "cluster_annotation_term_with_counts", ""): (
            "views/cluster_annotation_term_with_counts.csv"
        ),
        ("WMB-10X", "metadata", "gene", ""): "gene.csv",
        ("WMB-10XMulti", "expression_matrices", "WMB-10XMulti", "log2"): "WMB-10XMulti-log2.h5ad",
        ("WMB-10XMulti", "expression_matrices", "WMB-10XMulti", "raw"): "WMB-10XMulti-raw.h5ad",
        ("Allen-CCF-2020", "image_volumes", "annotation_10", ""): "annotation_10.nii.gz",
    }


def atlas() -> Files:
    """Return two releases; the second changed a file and left the others where they were."""
    found: Files = {}
    for release in RELEASES:
        listing: dict[str, Any] = {}
        for (directory, kind, name, variant), path in atlas_files().items():
            version = release if name == "cluster_annotation_term" else RELEASES[0]
            key = f"{kind}/{directory}/{version}/{path}"
            data = found.setdefault(key, _atlas_file(key))
            file = {
                "version": version,
                "relative_path": key,
                "url": f"https://{ATLAS}.s3.us-west-2.amazonaws.com/{key}",
                "size": len(data),
                "file_hash": hashlib.md5(data).hexdigest(),
            }
            files = {"files": {path.partition(".")[2]: file}}
            named = listing.setdefault(directory, {}).setdefault(kind, {})
            if variant:
                named.setdefault(name, {})[variant] = files
            else:
                named[name] = files
        manifest = {
            "version": release,
            "resource_uri": f"s3://{ATLAS}/",
            "directory_listing": {directory: {"directories": {}} for directory in listing},
            "file_listing": listing,
        }
        found[f"releases/{release}/manifest.json"] = json.dumps(manifest).encode()
    return {f"{ATLAS}/{key}": data for key, data in found.items()}


def _atlas_file(key: str) -> bytes:
    if key.endswith("gene.csv"):
        return b"gene_identifier,gene_symbol\nENSMUSG00000051951,Xkr4\nENSMUSG00000089699,Gm1992\n"
    if key.endswith(".csv"):
        return f"label,name\n{key},neuron\n".encode()
    return made_up(key, 2000)


# CPJUMP1


def plate_images() -> Files:
    """Return the images of three wells of a plate; one of the last is missing."""
    names = [
        f"r01c{column:02d}f{site:02d}p01-ch{channel}sk1fk1fl1.tiff"
        for column, site, channel in product((1, 2, 3), range(1, 10), range(1, 9))
    ]
    names.remove("r01c03f09p01-ch5sk1fk1fl1.tiff")
    return {f"{SOURCE}/{PLATE}/{name}": made_up(name, 500) for name in names}


def profiles() -> Files:
    """Return the archive of a repository with Git-LFS pointers, and the bytes beside it."""
    folder = "profiles/2020_11_04_CPJUMP1/BR00117010"
    tables = {
        f"{folder}/BR00117010_{stage}.csv.gz": made_up(stage, 3000)
        for stage in ("augmented", "normalized", "normalized_feature_select_batch")
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, data in {**tables, "README.md": b"# Profiles\n"}.items():
            content = data if path == "README.md" else pointer(data)
            member = tarfile.TarInfo(f"2021_Chandrasekaran_submitted-main/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return {
        f"{HOSTS[0]}/{REPOSITORY}/tar.gz/main": buffer.getvalue(),
        **{f"{HOSTS[1]}/media/{REPOSITORY}/main/{path}": data for path, data in tables.items()},
    }


def pointer(data: bytes) -> bytes:
    """Return the Git-LFS pointer of some bytes."""
    oid = hashlib.sha256(data).hexdigest()
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
    )


# Rosetta


def rosetta() -> tuple[Files, str]:
    """Return files of the LINCS pilot, and the catalogue's table of them."""
    names = ("CellPainting/replicate_level_cp_augmented.csv.gz", "L1000/level_3.csv.gz")
    files = {f"{ROSETTA}/{name}": made_up(name, 4000) for name in names}
    rows = [
        f"LINCS-Pilot1/{key.removeprefix(ROSETTA + '/')}\t{len(data)}\t"
        f"{hashlib.md5(data).hexdigest()}\n"
        for key, data in files.items()
    ]
    return files, "".join(rows)


# Quilt


def cardio() -> Files:
    """Return a part of the cardiomyocyte study."""
    readme = b"# Cardiomyocytes\n\nA small copy of the study's layout; the values are made up.\n"
    table = b"fov_id,original_fov_location\n1,a/b.czi\n"
    return {
        "README.md": readme,
        "2d_segmented_fields/metadata.csv": table,
        "2d_segmented_fields/fov/1.tiff": made_up("fov 1", 5000),
        "scrnaseq_data/genes.csv": b"gene\nMYH6_HUMAN\n",
    }


def cell_line() -> Files:
    """Return a part of the tree of a cell line."""
    fovs = [f"fovs/fov_{hashlib.md5(name).hexdigest()}" for name in (b"one", b"two")]
    return {
        "README.md": b"# AICS-23\n",
        "lines/line_AICS_23/info.json": b'{"line": "AICS-23"}\n',
        **{f"{fov}/info.json": json.dumps({"fov_id": fov}).encode() for fov in fovs},
        **{f"{fov}/image.ome.tiff": made_up(fov, 5000) for fov in fovs},
    }


def registry(bucket: str, name: str, data: Files) -> Files:
    """Return a Quilt registry with one revision of a package."""
    header = {"message": "Small copy", "user_meta": {}, "version": "v0"}
    canonical = [json.dumps(header, sort_keys=True, separators=(",", ":"))]
    lines = [json.dumps(header)]
    for key in sorted(data, key=lambda key: key.split("/")):
        digest = {"type": "SHA256", "value": hashlib.sha256(data[key]).hexdigest()}
        row = {"logical_key": key, "size": len(data[key]), "hash": digest, "meta": {}}
        place = f"s3://{bucket}/{name}/{key}"
        lines.append(json.dumps({**row, "physical_keys": [place]}))
        canonical.append(json.dumps(row, sort_keys=True, separators=(",", ":")))
    top_hash = hashlib.sha256("".join(canonical).encode()).hexdigest()
    pointers = f"{bucket}/.quilt/named_packages/{name}"
    return {
        **{f"{bucket}/{name}/{key}": value for key, value in data.items()},
        f"{bucket}/.quilt/packages/{top_hash}": "".join(f"{line}\n" for line in lines).encode(),
        f"{pointers}/1610000000": top_hash.encode(),
        f"{pointers}/latest": top_hash.encode(),
    }


# All of them

_CATALOGUE = """
version = 1

[[data_set]]
name = "rosetta/LINCS-Pilot1"
title = "Rosetta: LINCS pilot, a small copy"
address = "listing+s3://{rosetta}"
listing = "lincs.tsv"
"""


def publish(server: SeaweedServer, bucket: str) -> Mapping[str, str]:
    """Put everything into a bucket; return the variables by which it is found.

    The catalogue's table of the Rosetta files has the ETags of the true files, so there is one for
    the small ones beside a catalogue in the bucket.
    """
    lincs, table = rosetta()
    files: Files = {
        **atlas(),
        **plate_images(),
        **profiles(),
        **lincs,
        **registry(CARDIO, "aics/cardio_diff_manuscript", cardio()),
        **registry(LINES, "aics/aics_23", cell_line()),
        "catalogue/open.toml": _CATALOGUE.format(rosetta=ROSETTA).encode(),
        "catalogue/lincs.tsv": table.encode(),
    }
    client = server.client()
    for key, data in files.items():
        client.put_object(Bucket=bucket, Key=key, Body=data)
    client.close()
    return {
        "CELLFOLIO_MIRROR": " ".join(_mirrors(bucket)),
        "CELLFOLIO_CATALOGUE": f"s3://{bucket}/catalogue/open.toml",
    }


def _mirrors(bucket: str) -> Iterator[str]:
    for name in (ATLAS, GALLERY, CARDIO, LINES):
        yield f"s3://{name}=s3://{bucket}/{name}"
    for host in HOSTS:
        yield f"https://{host}=s3://{bucket}/{host}"
