"""The shipped tables are sane, complete where they must be, and what the sources give."""

import csv
import gzip
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isocost.catalog.kinds import Compute, Disk, Engine
from isocost.catalog.shipped import load
from isocost.domain.workspace import Cloud, Plan

ROOT = Path(__file__).parents[3]
DATA = ROOT / "src" / "isocost" / "catalog" / "data"
MOTO_VERSION = "5.2.5"  # whose copy of EC2's answer the shipped tables were made with
NODES = load().tables.node_types
PRICES = load().tables.prices
MEASURED_GRIDS = [
    *(
        f"{family}.{size}"
        for family in ("c4", "m4", "r4")
        for size in ("large", "xlarge", "2xlarge")
    ),
    *(
        f"{family}.{size}"
        for family in ("c5", "c5n", "m5", "m5a", "r5")
        for size in ("large", "xlarge", "2xlarge", "4xlarge")
    ),
]


@pytest.fixture
def lists(shared_data):
    return shared_data / "catalog"


@pytest.mark.parametrize(("cloud", "least"), [(Cloud.AWS, 60), (Cloud.AZURE, 40)])
def test_enough_node_types_in_two_regions(cloud, least):
    regions = load().regions(cloud)
    assert len(regions) == 2
    assert all(len(load().node_types(cloud, region)) >= least for region in regions)


@pytest.mark.parametrize("row", NODES, ids=lambda row: row.node_type_id)
def test_node_type_is_sane(row):
    assert 2 <= row.cores <= 192
    assert 1.6 <= row.memory_gib / row.cores <= 16
    assert row.architecture in {"x86_64", "arm64"}
    assert (row.local_disk_count == 0) == (row.local_disk_gib == 0)
    assert row.network_gbps is None or 0.4 <= row.network_gbps <= 200
    assert row.coremark is None or 10_000 <= row.coremark / row.cores <= 40_000
    assert row.dbu_per_hour is None or 0.1 <= row.dbu_per_hour / row.cores <= 0.55


def test_each_node_type_is_priced_in_each_region_of_its_cloud():
    priced = sorted((price.node_type_id, price.region) for price in PRICES)
    expected = sorted(
        (r.node_type_id, region) for r in NODES for region in load().regions(r.cloud)
    )
    assert priced == expected


def test_rents_per_core_are_within_bounds():
    cores = {row.node_type_id: row.cores for row in NODES}
    usd_per_core = {p.usd_per_hour / cores[p.node_type_id] for p in PRICES}
    assert min(usd_per_core) > 0.03
    assert max(usd_per_core) < 0.17


def test_spot_is_cheaper_than_on_demand_and_never_free():
    spot = [p for p in PRICES if p.spot_usd_per_hour is not None]
    assert len(spot) > 1000
    assert all(0.1 < p.spot_usd_per_hour / p.usd_per_hour <= 1 for p in spot)


def test_no_row_is_told_twice():
    assert len({row.node_type_id for row in NODES}) == len(NODES)
    assert len({(p.region, p.node_type_id) for p in PRICES}) == len(PRICES)


@pytest.mark.parametrize("name", MEASURED_GRIDS)
def test_measured_grids_node_types_have_their_cpu_speed(name):
    machines = {m.node_type_id: m for m in load().machines(Cloud.AWS, "us-east-1")}
    assert machines[name].coremark is not None
    assert machines[name].network_gbps is not None


def test_what_is_missing_has_a_reason_and_nothing_else_has():
    fields = ("network_gbps", "coremark", "dbu_per_hour")
    for row in NODES:
        empty = {field for field in fields if getattr(row, field) is None}
        assert set(load().missing(row.node_type_id)) == empty


def test_every_table_names_its_sources():
    assert set(load().tables.provenance) == {path.stem for path in DATA.glob("*.csv")}
    assert all(about for about in load().tables.provenance.values())


def test_shipped_files_are_small():
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 300_000


def test_loading_is_fast_in_a_fresh_process():
    timed = (
        "from time import perf_counter as now; import isocost.catalog.shipped as s; "
        "t = now(); s.load(); print(now() - t)"
    )
    runs = [
        float(
            subprocess.run([sys.executable, "-c", timed], capture_output=True, check=True).stdout
        )
        for _ in range(3)
    ]
    assert min(runs) < 0.05


@pytest.mark.parametrize("name", ["m5.xlarge", "i3.2xlarge", "r6id.4xlarge", "m4.large"])
def test_aws_rows_agree_with_the_lists(lists, name):
    node = load().node_type(Cloud.AWS, "us-east-1", name)
    with (lists / "ec2_on_demand_us_east_1.csv").open(encoding="utf-8") as file:
        usd = {row["instance_type"]: row["usd_per_hour"] for row in csv.DictReader(file)}
    with (lists / "databricks_dbu_per_hour.csv").open(encoding="utf-8") as file:
        dbu = {row["instance_type"]: row["dbu_rate"] for row in csv.DictReader(file)}
    assert node.usd_per_hour == pytest.approx(float(usd[name]))
    assert node.dbu_per_hour == pytest.approx(float(dbu[name]), abs=1e-4)


@pytest.mark.parametrize("name", ["Standard_D4s_v3", "Standard_E8ds_v5", "Standard_L8s_v2"])
def test_azure_rows_agree_with_the_lists(lists, name):
    with gzip.open(lists / "azure_ondemand_all_regions.csv.gz", "rt", encoding="utf-8") as file:
        usd = {(r["region"], r["vm_size"]): r["usd_per_hour"] for r in csv.DictReader(file)}
    for region in load().regions(Cloud.AZURE):
        node = load().node_type(Cloud.AZURE, region, name)
        assert node.usd_per_hour == pytest.approx(float(usd[region, name]), abs=1e-6)


def test_dbu_rates_agree_with_the_list(lists):
    with (lists / "databricks_usd_per_dbu.csv").open(encoding="utf-8") as file:
        listed = {
            (r["tier"], r["region"], r["sku_name"]): float(r["price_per_dbu"])
            for r in csv.DictReader(file)
        }
    for row in load().tables.dbu_rates:
        sku = row.compute.upper() + ("_(PHOTON)" if row.engine == Engine.PHOTON else "")
        assert row.usd_per_dbu == listed[row.plan.upper(), row.region, sku]


@pytest.mark.skipif(
    importlib.metadata.version("moto") != MOTO_VERSION, reason="moto ships another EC2 answer"
)
def test_tables_are_what_the_generator_makes_of_the_sources(lists):
    done = subprocess.run(
        [sys.executable, "-m", "tools.build_catalog", "--sources", str(lists), "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stderr == "stale: none\n"


def test_every_offer_has_its_photon_twin():
    for plan, compute in {(row.plan, row.compute) for row in load().tables.dbu_rates}:
        plain = load().rate_card(Cloud.AWS, "us-east-1", plan, compute=compute)
        photon = load().rate_card(
            Cloud.AWS, "us-east-1", plan, compute=compute, engine=Engine.PHOTON
        )
        assert plain.dbu_multiplier == 1.0
        assert photon.dbu_multiplier == (2.9 if compute == Compute.JOBS_COMPUTE else 2.0)


def test_disk_rates_of_both_clouds():
    gp3 = load().rate_card(Cloud.AWS, "eu-west-1", Plan.PREMIUM)
    p10 = load().rate_card(Cloud.AZURE, "eastus", Plan.PREMIUM, disk=Disk.PREMIUM_SSD_P10)
    assert gp3.disk_usd_per_gib_month == 0.088
    assert p10.disk_usd_per_gib_month == pytest.approx(19.71 / 128)


def counted(cloud):
    rows = [row for row in NODES if row.cloud == cloud]
    spot = {p.node_type_id for p in PRICES if p.spot_usd_per_hour is not None}
    return {
        "regions": ", ".join(load().regions(cloud)),
        "machines": len(rows),
        "of them node types of Databricks (DBUs known)": sum(
            r.dbu_per_hour is not None for r in rows
        ),
        "with CoreMark": sum(row.coremark is not None for row in rows),
        "with network bandwidth": sum(row.network_gbps is not None for row in rows),
        "with a spot rate of their own": sum(row.node_type_id in spot for row in rows),
        "plans with DBU rates": ", ".join(
            dict.fromkeys(row.plan for row in load().tables.dbu_rates if row.cloud == cloud)
        ),
    }


def test_the_page_about_the_catalog_counts_right():
    page = (ROOT / "docs" / "reference" / "catalog.md").read_text(encoding="utf-8")
    aws, azure = counted(Cloud.AWS), counted(Cloud.AZURE)
    expected = [f"| {what} | {aws[what]} | {azure[what]} |" for what in aws]
    assert [line for line in expected if line not in page] == []
