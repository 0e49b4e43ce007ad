"""The package's own tables in, the catalog out: the one place of the core that opens a file."""

import csv
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

import msgspec

from isocost.catalog.catalog import Catalog
from isocost.catalog.rows import DbuRow, DiskRow, NodeRow, PriceRow, SpotRow, Tables

Row = TypeVar("Row")
_COMMENT: Final = "#"


@cache
def load() -> Catalog:
    """Return the catalog that came with this version; the first call reads it."""
    node_types, about_nodes = _table("node_types", NodeRow)
    prices, about_prices = _table("prices", PriceRow)
    dbu_rates, about_dbus = _table("dbu_rates", DbuRow)
    disk_rates, about_disks = _table("disk_rates", DiskRow)
    spot_rates, about_spot = _table("spot_rates", SpotRow)
    return Catalog(
        Tables(
            node_types=node_types,
            prices=prices,
            dbu_rates=dbu_rates,
            disk_rates=disk_rates,
            spot_rates=spot_rates,
            provenance={
                "node_types": about_nodes,
                "prices": about_prices,
                "dbu_rates": about_dbus,
                "disk_rates": about_disks,
                "spot_rates": about_spot,
            },
        )
    )


def _table(name: str, row_type: type[Row]) -> tuple[tuple[Row, ...], str]:
    """Return a table's rows and what its first lines say of their sources."""
    path = files("isocost.catalog").joinpath("data", f"{name}.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    about = [line.lstrip("# ") for line in lines if line.startswith(_COMMENT)]
    written = csv.DictReader(line for line in lines if not line.startswith(_COMMENT))
    # An empty field is a missing fact, which the row types leave at None.
    known = ({key: text for key, text in row.items() if text} for row in written)
    rows = tuple(msgspec.convert(row, row_type, strict=False) for row in known)
    return rows, "\n".join(about)
