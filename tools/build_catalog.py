"""Price lists and measurements of others in, the package's catalog tables out.

    .venv/bin/python -m tools.build_catalog --sources ../shared/data/catalog          rewrites them
    .venv/bin/python -m tools.build_catalog --sources ../shared/data/catalog --check  compares only

Beside `--sources` it reads the instance types that moto ships (EC2's own `DescribeInstanceTypes`
answer) and two tables read by hand, `azure_sizes.csv` and `disk_rates.csv`. What no source holds
stays empty, with the reason in the column `missing`.
"""

import argparse
import csv
import gzip
import io
import json
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Final

from isocost.units import BYTES_PER_GB, BYTES_PER_GIB, MBIT_PER_GBIT, MIB_PER_GIB

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent / "src" / "isocost" / "catalog" / "data"
REGIONS: Final = {"aws": ("us-east-1", "eu-west-1"), "azure": ("eastus", "westeurope")}

# What Databricks rents out today, and what the measured grids ran on. No GPUs: Spark's own
# operators do not use them. No bare metal: it is priced as the largest size.
AWS_FAMILIES: Final = (
    "c4 m4 r4 i3 c5 c5a c5ad c5d c5n m5 m5a m5d m5dn m5n m5zn r5 r5a r5d r5dn r5n i3en z1d d3 "
    "d3en c6i c6id c6in m6i m6id m6idn m6in r6i r6id r6idn r6in i4i c6g c6gd m6g m6gd r6g r6gd "
    "x2gd i4g im4gn is4gen c7a c7g c7gd c7i m7a m7g m7gd m7i r7g r7gd r7i r7iz i7i "
    "c8g c8gd m8g m8gd m8i r8g r8gd r8i i8g"
).split()
AWS_SIZES: Final = (
    "large xlarge 2xlarge 3xlarge 4xlarge 6xlarge 8xlarge 9xlarge 10xlarge 12xlarge 16xlarge "
    "18xlarge 24xlarge 32xlarge 48xlarge"
).split()
ARCHITECTURES: Final = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64"}
PHOTON_SUFFIX: Final = "_(PHOTON)"  # of a SKU, in Databricks' price list

Row = dict[str, str]
NOT_LISTED: Final = "no rate list of Databricks in the sources names it"
NOT_MEASURED: Final = "the sources hold no measurement"
NOT_PUBLISHED: Final = "the sources hold no figure"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the lists of others lie."""

    folder: Path

    def rows(self, name: str) -> list[Row]:
        """Return a table's rows; `.gz` is unpacked."""
        raw = (self.folder / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
        return list(csv.DictReader(io.StringIO(text)))


def own_rows(name: str) -> list[Row]:
    """Return the rows of a table read by hand, without its comments."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def ec2_answer() -> Mapping[str, Any]:
    """Return what EC2 says of each instance type, by name."""
    packed = files("moto").joinpath("ec2/resources/instance_types.json.gz").read_bytes()
    found: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return found


def number(value: float | str | None, digits: int = 4) -> str:
    """Return the shortest text of a figure; nothing for one that is not known."""
    return "" if value in {None, ""} else f"{round(float(value or 0), digits):.10g}"


def dbus(sources: Sources, cloud: str) -> dict[str, str]:
    """Return DBU per hour by node type: the current list first, the list of 2022 for the rest."""
    old = sources.rows(f"{cloud}_instance_details_2022.csv")
    rates = {row["API_Name"]: row["Hourly_DBUs"] for row in old if row["Hourly_DBUs"]}
    for row in sources.rows("databricks_dbu_per_hour.csv"):
        if row["cloud"].lower() == cloud:
            rates[row["instance_type"]] = row["dbu_rate"]
    return rates


def with_reasons(row: Row, reasons: Mapping[str, str]) -> Row:
    """Return the row with the reasons of its empty fields."""
    row["missing"] = "; ".join(f"{k}: {why}" for k, why in reasons.items() if not row[k])
    return row


def aws_nodes(sources: Sources) -> Iterator[Row]:
    """Yield the AWS node types, family by family, small to large."""
    network = {
        row["instance_type"]: row["baseline_mbps"]
        for row in sources.rows("ec2_network_baseline_mbps.csv")
    }
    coremark = {
        row["instance_type"]: row["coremark_iter_per_s"]
        for row in sources.rows("ec2_coremark.csv")
    }
    rates, answer = dbus(sources, "aws"), ec2_answer()
    known = {row["instance_type"]: row for row in sources.rows("ec2_types.csv")}
    for name in (f"{family}.{size}" for family in AWS_FAMILIES for size in AWS_SIZES):
        if name in known:
            yield aws_node(known[name], answer[name], (network, coremark, rates))


def aws_node(size: Row, answer: Mapping[str, Any], tables: tuple[Mapping[str, str], ...]) -> Row:
    """Return one AWS row; `tables`: network in Mbit/s, CoreMark and DBU per hour by name."""
    network, coremark, rates = tables
    name = size["instance_type"]
    storage = answer.get("InstanceStorageInfo") or {"TotalSizeInGB": 0, "Disks": []}
    baseline = answer["NetworkInfo"]["NetworkCards"][0].get("BaselineBandwidthInGbps")
    measured = network.get(name)
    row = {
        "cloud": "aws",
        "node_type_id": name,
        "cores": size["vcpu"],
        "memory_gib": number(float(size["memory_mb"]) / MIB_PER_GIB),
        "architecture": ARCHITECTURES[size["arch"]],
        "local_disk_count": str(sum(disk["Count"] for disk in storage["Disks"])),
        "local_disk_gib": number(storage["TotalSizeInGB"] * BYTES_PER_GB / BYTES_PER_GIB, 1),
        "network_gbps": number(float(measured) / MBIT_PER_GBIT if measured else baseline),
        "coremark": f"{float(coremark[name]):.0f}" if name in coremark else "",
        "dbu_per_hour": number(rates.get(name)),
    }
    return with_reasons(row, REASONS)


REASONS: Final = {
    "network_gbps": NOT_PUBLISHED,
    "coremark": NOT_MEASURED,
    "dbu_per_hour": NOT_LISTED,
}


def azure_nodes(sources: Sources) -> Iterator[Row]:
    """Yield the Azure node types in the order of `azure_sizes.csv`."""
    rates = dbus(sources, "azure")
    known = {row["vm_size"]: row for row in sources.rows("azure_types.csv")}
    for size in own_rows("azure_sizes.csv"):
        name = size["vm_size"]
        row = {
            "cloud": "azure",
            "node_type_id": name,
            "cores": known[name]["vcpu"],
            "memory_gib": number(float(known[name]["memory_mb"]) / MIB_PER_GIB),
            "architecture": "x86_64",
            "local_disk_count": size["local_disk_count"],
            "local_disk_gib": size["local_disk_gib"],
            "network_gbps": number(float(size["network_mbps"]) / MBIT_PER_GBIT),
            "coremark": mean_score(size["coremark_runs"]),
            "dbu_per_hour": number(rates.get(name)),
        }
        yield with_reasons(row, REASONS)


def mean_score(runs: str) -> str:
    """Return the mean over runs given as "score@count score@count"; nothing for none."""
    pairs = [tuple(map(int, run.split("@"))) for run in runs.split()]
    if not pairs:
        return ""
    return f"{sum(score * count for score, count in pairs) / sum(n for _, n in pairs):.0f}"


def aws_prices(sources: Sources, names: Sequence[str]) -> Iterator[Row]:
    """Yield on-demand and average spot rates of these types in the two AWS regions."""
    listed = {
        (row["instance_type"], row["region_code"]): row
        for row in sources.rows("ec2_prices_all_regions.csv.gz")
    }
    for name in names:
        for region in REGIONS["aws"]:
            if row := listed.get((name, region)):
                spot = number(row["spot_avg_usd_per_hour"], 6)
                yield price(("aws", region, name), row["ondemand_usd_per_hour"], spot)


def azure_prices(sources: Sources, names: Sequence[str]) -> Iterator[Row]:
    """Yield pay-as-you-go rates of these types in the two Azure regions."""
    listed = {
        (row["vm_size"], row["region"]): row["usd_per_hour"]
        for row in sources.rows("azure_ondemand_all_regions.csv.gz")
    }
    for name in names:
        for region in REGIONS["azure"]:
            if rate := listed.get((name, region)):
                yield price(("azure", region, name), rate, "")


def price(key: tuple[str, str, str], rate: str, spot: str) -> Row:
    """Return one row of prices; `key`: cloud, region, node type."""
    row = dict(zip(("cloud", "region", "node_type_id"), key, strict=True))
    row |= {"usd_per_hour": number(rate, 6), "spot_usd_per_hour": spot}
    return with_reasons(row, {"spot_usd_per_hour": NOT_PUBLISHED})


def priced_everywhere(nodes: Iterable[Row], prices: Sequence[Row]) -> list[Row]:
    """Return the node types that have a price in both regions of their cloud."""
    priced = {(p["node_type_id"], p["region"]) for p in prices}
    return [
        node
        for node in nodes
        if all((node["node_type_id"], region) in priced for region in REGIONS[node["cloud"]])
    ]


def dbu_rates(sources: Sources) -> Iterator[Row]:
    """Yield USD per DBU and the Photon multiplier by region, plan, compute and engine."""
    photon = {
        (row["cloud"], row["sku_type"]): row["multiplier"]
        for row in sources.rows("databricks_dbu_multipliers.csv")
        if row["feature"] == "photon"
    }
    listed = {
        (row["cloud"], row["tier"], row["region"], row["sku_name"]): row["price_per_dbu"]
        for row in sources.rows("databricks_usd_per_dbu.csv")
    }
    for (cloud, region), plan, sku, suffix in product(
        [(cloud, region) for cloud, regions in REGIONS.items() for region in regions],
        ("STANDARD", "PREMIUM", "ENTERPRISE"),
        ("JOBS_COMPUTE", "ALL_PURPOSE_COMPUTE"),
        ("", PHOTON_SUFFIX),
    ):
        if rate := listed.get((cloud.upper(), plan, region, sku + suffix)):
            yield {
                "cloud": cloud,
                "region": region,
                "plan": plan.lower(),
                "compute": sku.lower(),
                "engine": "photon" if suffix else "standard",
                "usd_per_dbu": number(rate),
                "dbu_multiplier": photon[cloud.upper(), sku] if suffix else "1.0",
            }


def spot_rates(prices: Sequence[Row]) -> Iterator[Row]:
    """Yield, for each region, the median spot rate over the on-demand rate."""
    for cloud, regions in REGIONS.items():
        for region in regions:
            fractions = [
                float(p["spot_usd_per_hour"]) / float(p["usd_per_hour"])
                for p in prices
                if p["region"] == region and p["spot_usd_per_hour"]
            ]
            row = {"cloud": cloud, "region": region}
            row["spot_fraction"] = number(statistics.median(fractions), 2) if fractions else ""
            yield with_reasons(row, {"spot_fraction": NOT_PUBLISHED})


HEADERS: Final = {
    "node_types.csv": """\
# Node types: what a machine offers, and the DBUs that Databricks bills for an hour of it.
# AWS cores, memory, architecture: EC2 DescribeInstanceTypes, ec2_types.csv (undated).
# AWS disks, and network where the next has none: the same API as shipped in moto 5.2.5.
# AWS network_gbps: baseline bandwidth, ec2_network_baseline_mbps.csv (undated).
# AWS coremark: iterations/s of the whole node, measured 2025-12-10 and 11, ec2_coremark.csv.
# Azure cores, memory: resource SKUs of Azure, azure_types.csv (undated).
# Azure disks, network (expected, not guaranteed) and coremark: Microsoft's documentation of
#   2020 to 2024, see tools/azure_sizes.csv.
# dbu_per_hour: Databricks' pricing calculator, databricks_dbu_per_hour.csv (undated);
#   types that it no longer lists: the calculator of 2022, {aws,azure}_instance_details_2022.csv.
""",
    "prices.csv": """\
# Rent of a node in USD per hour, Linux, without tax.
# AWS: on demand, and the average spot rate, ec2_prices_all_regions.csv (undated).
# Azure: pay as you go, azure_ondemand_all_regions.csv (undated).
""",
    "dbu_rates.csv": """\
# USD per DBU, databricks_usd_per_dbu.csv, read 2026-04-10. List rates, no commitment.
# dbu_multiplier: on the node type's DBU per hour, databricks_dbu_multipliers.csv (undated).
# Plans that the list does not name (standard) have no rate here.
""",
    "spot_rates.csv": """\
# Spot rate over on-demand rate: median over this catalog's node types, from prices.csv. Stands in
#   for a node type without a spot rate of its own.
""",
}


def tables(sources: Sources) -> dict[str, str]:
    """Return each table's text by file name."""
    nodes = [*aws_nodes(sources), *azure_nodes(sources)]
    names = {c: [n["node_type_id"] for n in nodes if n["cloud"] == c] for c in REGIONS}
    prices = [*aws_prices(sources, names["aws"]), *azure_prices(sources, names["azure"])]
    nodes = priced_everywhere(nodes, prices)
    kept = {node["node_type_id"] for node in nodes}
    prices = [p for p in prices if p["node_type_id"] in kept]
    made = {
        "node_types.csv": nodes,
        "prices.csv": prices,
        "dbu_rates.csv": list(dbu_rates(sources)),
        "spot_rates.csv": list(spot_rates(prices)),
    }
    by_hand = {"disk_rates.csv": (HERE / "disk_rates.csv").read_text(encoding="utf-8")}
    return {name: HEADERS[name] + text_of(rows) for name, rows in made.items()} | by_hand


def text_of(rows: Sequence[Row]) -> str:
    """Return rows as comma-separated values under their names."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main() -> int:
    """Write or compare the tables; return 1 if one differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    stale = []
    for name, text in tables(Sources(args.sources)).items():
        path = TARGET / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not args.check:
                path.write_text(text, encoding="utf-8")
    verb = "stale" if args.check else "written"
    sys.stderr.write(f"{verb}: {', '.join(stale) or 'none'}\n")
    return int(args.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
