"""A run in; what it really did and cost by the simulator's own books, which no API tells, out."""

from isocost.catalog.catalog import ALWAYS_ATTACHED_GIB
from isocost.simulator.bill import BillingRates, bill_of
from isocost.simulator.run import NodeEnd
from isocost.simulator.workspace.clusters import JobCluster
from isocost.simulator.workspace.compute import Machinery
from isocost.simulator.workspace.rates import rate_card
from isocost.simulator.workspace.runs import Run
from isocost.simulator.workspace.values import Json

# Where the catalog knows no rate: Azure's standard SSD of 128 GiB costs 9.60 USD a month.
_USD_PER_DISK_GIB_MONTH = 0.075
_SPOT_FRACTION = 0.4


def truth_of(run: Run, machinery: Machinery) -> Json:
    """Return the run's clusters with runtimes, sizes, failures and the bill."""
    clusters = [_cluster_truth(each, machinery) for each in run.clusters]
    return {
        "run_id": run.run_id,
        "job_id": run.job_id,
        "total_usd": sum(each["total_usd"] for each in clusters),
        "clusters": clusters,
    }


def billing_rates(machinery: Machinery, *, is_photon: bool) -> BillingRates:
    """Return what is charged in a workspace beside its machines."""
    card = rate_card(machinery, is_photon=is_photon)
    return BillingRates(
        usd_per_dbu=card.usd_per_dbu or 0.0,
        spot_fraction=card.spot_fraction or _SPOT_FRACTION,
        photon_dbu_factor=card.dbu_multiplier,
        usd_per_disk_gib_month=card.disk_usd_per_gib_month or _USD_PER_DISK_GIB_MONTH,
        always_attached_gib=ALWAYS_ATTACHED_GIB[machinery.cloud] or 0.0,
    )


def _cluster_truth(cluster: JobCluster, machinery: Machinery) -> Json:
    asked = cluster.recipe.cluster
    bill = bill_of(cluster.outline, billing_rates(machinery, is_photon=asked.is_photon))
    conditions = cluster.recipe.conditions
    return {
        "cluster_id": cluster.cluster_id,
        "node_type_id": asked.worker_type.node_type_id,
        "worker_count": asked.worker_count,
        "runtime_s": cluster.outline.runtime_s,
        "input_scale": conditions.input_scale,
        "spot_losses_per_node_hour": conditions.spot_losses_per_node_hour,
        "spot_loss_count": sum(node.end is NodeEnd.SPOT_LOSS for node in cluster.outline.nodes),
        "slowdown": conditions.slowdown,
        "code_version": cluster.recipe.workload.code_version,
        "failure": cluster.outline.failure.value if cluster.outline.failure else None,
        "vm_usd": bill.vm_usd,
        "disk_usd": bill.disk_usd,
        "dbu_usd": bill.dbu_usd,
        "total_usd": bill.total_usd,
    }
