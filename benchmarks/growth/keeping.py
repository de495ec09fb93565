"""What was measured, in a file: each subject may be measured by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks.growth.curves import Curve, Point

FILE = Path(__file__).with_name("measured.json")


def kept() -> list[Curve]:
    """Return all curves that were kept."""
    if not FILE.exists():
        return []
    document = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        Curve(**{**one, "points": tuple(Point(**point) for point in one["points"])})
        for one in document
    ]


def keep(subject: str, curves: Iterable[Curve]) -> None:
    """Keep curves instead of those of the same subject."""
    others = [curve for curve in kept() if curve.subject != subject]
    document = [asdict(curve) for curve in (*others, *curves)]
    for one in document:
        one["points"] = [
            {"n": point["n"], **{name: round(point[name], 4) for name in ("cpu", "wall", "memory")}}
            for point in one["points"]
        ]
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
