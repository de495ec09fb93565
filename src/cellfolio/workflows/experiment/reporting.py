"""The page about an experiment: what was measured, what benchmarks say, what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellfolio.storage.disk import sha256_of, write_atomically
from cellfolio.workflows.experiment.cost import (
    FLEET_SECONDS,
    FLEET_SOURCE,
    Cost,
    amount,
    estimate_costs,
)
from cellfolio.workflows.experiment.steps import VERSION, Outcome, Work, steps_of
from cellfolio.workflows.pages import Fact, Section, render_page

if TYPE_CHECKING:
    import pandas as pd

PAGE = "report.html"
_TOLD = 20
_COLUMNS = 8


def report(work: Work, spent: Mapping[str, Any], *, dry_run: bool) -> Outcome:
    """Write the page; the same results give the same page.

    Parameters
    ----------
    work : Work
    spent : mapping
        What measuring took, see `Outcome.spent`.
    dry_run : bool
    """
    path = work.result / PAGE
    if dry_run:
        return Outcome("report", "would be made", PAGE)
    seconds = spent.get("cpu_seconds_per_site")
    sites = work.recorded["measure"]["sites"]
    price = work.experiment.price
    costs = (
        ()
        if seconds is None
        else estimate_costs(seconds, sites, price, total=spent.get("cpu_seconds"))
    )
    name = work.experiment.package.name if work.experiment.package else work.experiment.output.name
    sections = [
        *_failed(work),
        *(section for name, _ in work.experiment.evaluate for section in _scores(work, name)),
        *_cost_section(work, costs, seconds),
        _origin(work),
    ]
    about = "From images to profiles and benchmarks, and what they were made of."
    page = render_page(name, "experiment", about, tuple(_facts(work, seconds)), sections).encode()
    before = path.read_bytes() if path.is_file() else b""
    if before != page:
        write_atomically(path, page)
    facts = {"sha256": sha256_of(path).value}
    spent = {"costs": [_plain(one) for one in costs]}
    return Outcome("report", "up to date" if before == page else "made", str(path), facts, spent)


def _plain(cost: Cost) -> dict[str, Any]:
    return {name: getattr(cost, name) for name in cost.__dataclass_fields__}


def _facts(work: Work, seconds: float | None) -> Iterator[Fact]:
    measured = work.recorded["measure"]
    failed = len(measured["failed"])
    yield Fact("sites", f"{measured['sites']:,}")
    yield Fact("cells", f"{measured['cells']:,}")
    yield Fact("sites that failed", f"{failed:,}", warn=failed > 0)
    if work.experiment.profile is not None:
        yield Fact("files of profiles", f"{work.recorded['profile']['files']:,}")
    yield Fact("benchmarks", f"{len(work.experiment.evaluate)}")
    if seconds is not None:
        yield Fact("CPU seconds per site", f"{seconds:.2f}", "the median")


def _failed(work: Work) -> Iterator[Section]:
    failed = work.recorded["measure"]["failed"]
    if failed:
        rows = tuple((one,) for one in failed[:_TOLD])
        more = f"{len(failed) - _TOLD:,} more are in measured/measured.json."
        yield Section(
            "Sites that failed",
            "The others went on; why each failed is in the tables of images.",
            header=("site",),
            rows=rows,
            more=more if len(failed) > _TOLD else "",
        )


def _scores(work: Work, name: str) -> Iterator[Section]:
    import pandas as pd

    path = work.result / "evaluation" / name / "tables/scores.parquet"
    if not path.is_file():
        return
    whole = pd.read_parquet(path)
    told = [column for column in whole if not whole[column].isin(["", None]).all()]
    table = whole[told[:_COLUMNS]]
    kinds = [pd.api.types.is_numeric_dtype(table[column]) for column in table]
    more = f"The first {_TOLD} of {len(table):,} rows. " if len(table) > _TOLD else ""
    yield Section(
        f"Benchmark {name}",
        f"Figures and all tables are in evaluation/{name}/report.html.",
        header=tuple(map(str, table.columns)),
        rows=tuple(_texts(table.head(_TOLD))),
        numbers=tuple(at for at, numeric in enumerate(kinds) if numeric),
        more=more,
    )


def _texts(table: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for row in table.itertuples(index=False, name=None):
        yield tuple(f"{one:.4g}" if isinstance(one, float) else str(one) for one in row)


def _cost_section(work: Work, costs: tuple[Cost, ...], seconds: float | None) -> Iterator[Section]:
    if seconds is None:
        return
    price, options = work.experiment.price, work.experiment.measure
    groups = ", ".join(options.site.features.groups)
    yield Section(
        "What measuring costs",
        f"{seconds:.2f} CPU seconds per site were measured in this run (the median; fetching and "
        f"waiting are not in it), for the features {groups}. A vCPU costs {price.amount:g} "
        f"{price.currency} for an hour. The published fleet paid {FLEET_SECONDS:.0f} vCPU seconds "
        f"per site of eight channels, all features, starting and waiting in it ({FLEET_SOURCE}).",
        header=(
            "scale", "sites", "vCPU hours", price.currency,
            "fleet: vCPU hours", f"fleet: {price.currency}",
        ),
        rows=tuple(
            (
                one.what, f"{one.sites:,}", amount(one.hours), amount(one.money),
                amount(one.fleet_hours), amount(one.fleet_money),
            )
            for one in costs
        ),
        numbers=(1, 2, 3, 4, 5),
    )  # fmt: skip


def _origin(work: Work) -> Section:
    rows = [("configuration", f"SHA256:{work.experiment.sha256}")]
    for step in steps_of(work.experiment):
        facts = work.recorded.get(step, {})
        rows += [(f"{step}: {key}", _text(value)) for key, value in facts.items()]
    rows += [(key, _text(value)) for key, value in work.experiment.document.items()]
    return Section(
        "How this was made",
        "The same images and configuration give the same tables, byte for byte.",
        header=("", ""),
        rows=(*rows, ("cellfolio", VERSION)),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def page_of(result: Path) -> Path:
    """Return where the page of an experiment is."""
    return result / PAGE
