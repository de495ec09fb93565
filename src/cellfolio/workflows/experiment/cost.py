"""What measuring costs: seconds of a site become hours and money of plates. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from cellfolio.errors import InvalidArgument

SITES_PER_PLATE = 384 * 9
"""Wells by sites of each, as CPJUMP1 has them."""
PRICE = 0.025
"""Of a vCPU for an hour, in US dollars: as the fleet below, which paid about 10 dollars for 400."""
FLEET_SECONDS = 200 * 4 * 30 * 60 / SITES_PER_PLATE
"""vCPU seconds per site of the fleet that analysed CPJUMP1: 417.

Chandrasekaran et al. tell it for CellProfiler on images of eight channels: 200 instances of
m4.xlarge (4 vCPUs each), on average 30 minutes a plate, about 10 dollars. Starting, fetching images
and waiting are in it, since the instances were paid for that, too.
"""
FLEET_SOURCE = "Chandrasekaran et al. 2024, https://doi.org/10.1038/s41592-024-02241-6"
SCALES = {
    "a plate": SITES_PER_PLATE,
    "an experiment of 51 plates": 51 * SITES_PER_PLATE,
    "JUMP, 2,300 plates": 2300 * SITES_PER_PLATE,
}
"""Sites of each."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a vCPU costs for an hour.

    Attributes
    ----------
    amount : float
    currency : str
    """

    amount: float = PRICE
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not 0 <= self.amount < 1e6:
            raise InvalidArgument(
                f"the price of a vCPU for an hour should be from 0, found {self.amount!r}"
            )


@dataclass(frozen=True, slots=True)
class Cost:
    """What measuring so many sites takes.

    Attributes
    ----------
    what : str
    sites : int
    hours, money : float
        vCPU hours, and what they cost.
    fleet_hours, fleet_money : float
        Of the published fleet, at the same price.
    """

    what: str
    sites: int
    hours: float
    money: float
    fleet_hours: float
    fleet_money: float


def estimate_costs(
    seconds: float, sites: int, price: Price, *, total: float | None = None
) -> tuple[Cost, ...]:
    """Return what this run, a plate, an experiment and JUMP take.

    Parameters
    ----------
    seconds : float
        Of CPU, per site.
    sites : int
        Of this run.
    price : Price
    total : float, optional
        CPU seconds of all sites of this run, if they were told.

    Examples
    --------
    >>> plate = estimate_costs(10.0, 4, Price(0.05))[1]
    >>> plate.sites, plate.hours, round(plate.money, 2), round(plate.fleet_hours)
    (3456, 9.6, 0.48, 400)
    """
    scales = {what: (count, count * seconds) for what, count in SCALES.items()}
    own = {"this run": (sites, sites * seconds if total is None else total)}
    found = []
    for what, (count, spent) in {**own, **scales}.items():
        hours, fleet = spent / 3600, count * FLEET_SECONDS / 3600
        found.append(Cost(what, count, hours, hours * price.amount, fleet, fleet * price.amount))
    return tuple(found)


def amount(value: float) -> str:
    """Return hours or money as people write them.

    Examples
    --------
    >>> amount(0.01234), amount(400.4), amount(920000)
    ('0.012', '400', '920,000')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
