"""The main views of the portal, on the demonstration and on real data: for pictures and tests."""

from __future__ import annotations

from dataclasses import dataclass

DEMO = "demo/cell-painting"
SITE = f"{DEMO}/images/SIM00001/r01c01f01p01.ome.tiff"
GOLDEN = "example_images"


@dataclass(frozen=True, slots=True)
class PortalView:
    """A view.

    Attributes
    ----------
    name : str
        Of its picture.
    address : str
        From the portal's root.
    ready : str
        Selector of what is there when it can be looked at.
    about : str
        What the picture shows.
    """

    name: str
    address: str
    ready: str
    about: str


OF_THE_DEMO = (
    PortalView("home", "/", ".cards", "The first page: data sets, packages and folders"),
    PortalView("package", f"/package/{DEMO}", "table", "A package: its files and what is here"),
    PortalView("revisions", f"/package/{DEMO}?tab=revisions", "table", "Revisions of a package"),
    PortalView("code", f"/package/{SITE}?tab=code", "pre", "How programs get the same file"),
    PortalView("image", f"/package/{SITE}", "canvas", "A site of five channels, cells outlined"),
    PortalView(
        "table",
        f"/package/{DEMO}/objects/SIM00001.csv",
        "[role=grid], table",
        "A table: kinds of columns, sorted, filtered, asked by SQL",
    ),
    PortalView("plates", f"/plates/{DEMO}", "table, .cards", "The plates of a package"),
    PortalView(
        "plate", f"/plate/{DEMO}?plate=SIM00001&well=A01", "svg", "A plate and one of its wells"
    ),
    PortalView(
        "scatter",
        "/scatter/folder/profiles/profiles.parquet?colour=Metadata_perturbation",
        "canvas",
        "Wells by their profiles, coloured by perturbation",
    ),
    PortalView("run", "/run/folder/evaluation/replicating", "main h1", "The run of a benchmark"),
    PortalView("api", "/api", ".operation", "What programs can ask"),
)
