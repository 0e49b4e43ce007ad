"""A seed and a number in; a workspace full of recurring databricks jobs, with their lives, out.

The first jobs are those that something happens to, so that also a small estate has them all; the
rest are ordinary. Beside them stand some that no optimizer of job clusters should touch.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from isocost.domain.workspace import Cloud
from isocost.simulator.conditions import CodeChange, Episode, Scenario, SizeJump
from isocost.simulator.workspace.behaviour import Behaviour
from isocost.simulator.workspace.shapes import SHAPES, workload_of_shape
from isocost.simulator.workspace.values import Json, seed_of
from isocost.simulator.workspace.workspace import Workspace

# Clusters as people choose them by hand: some too large, some too small, few well fitted. Eight
# cores is what most job clusters in Databricks' own examples have.
_TYPES: Final = {
    Cloud.AWS: (
        "m5.2xlarge",
        "r5.2xlarge",
        "c5.4xlarge",
        "m5d.2xlarge",
        "i3.2xlarge",
        "m5.4xlarge",
    ),
    Cloud.AZURE: (
        "Standard_D8s_v3",
        "Standard_E8s_v3",
        "Standard_F16s_v2",
        "Standard_D8ds_v5",
        "Standard_E8ds_v5",
        "Standard_D16s_v3",
    ),
}
_POLICY_TYPES: Final = {
    Cloud.AWS: ("m5.", "m5d.", "r5."),
    Cloud.AZURE: ("Standard_D", "Standard_E"),
}
POLICY_ID: Final = "E0000000000000A1"
POOL_ID: Final = "0101-000000-pool1-pool-warm0001"
_NAMES: Final = {
    "ingest": "Load {} files",
    "join": "Join {} with orders",
    "report": "Report on {}",
    "training": "Train {} model",
    "skewed": "Sessions of {}",
    "compute": "Score {}",
}
_TOPICS: Final = ("customers", "clicks", "payments", "stock", "prices", "returns", "campaigns")
# Ordinary data grow by some percent a month; weekends are quieter.
_DRIFT_PER_DAY: Final = (0.0, 0.002)
WEEK: Final = (1.04, 1.02, 1.0, 1.02, 1.06, 0.94, 0.92)
SPOT_LOSSES: Final = 0.01  # per node and hour in calm times: AWS states under 5 % a month for most
_STORM_LOSSES: Final = 3.0
_DOUBLED: Final = 2.0


@dataclass(frozen=True, slots=True)
class EstatePlan:
    """What to fill a workspace with.

    Attributes:
        job_count: recurring databricks jobs with job clusters.
        changes_after_days: when data double, code changes and the spot storm begins.
        has_changes: whether these three happen at all.
        has_others: whether there are also jobs that do not qualify.
        log_destination: where clusters deliver logs; empty leaves it to whoever sets jobs up.
    """

    job_count: int = 12
    seed: int = 1
    changes_after_days: float = 14.0
    has_changes: bool = True
    has_others: bool = True
    log_destination: str = ""
    noise_cv: float = 0.03


@dataclass(frozen=True, slots=True)
class SettledJob:
    """One databricks job of the estate.

    Attributes:
        shape: of its workloads; empty where none is simulated.
        change: what will happen to it: "data", "code", "spot", or nothing.
        is_qualifying: whether it runs on job clusters and recurs.
        why_not: why it does not qualify.
    """

    job_id: int
    name: str
    shape: str = ""
    change: str = ""
    is_qualifying: bool = True
    why_not: str = ""


def settle_estate(workspace: Workspace, plan: EstatePlan, creator: str) -> list[SettledJob]:
    """Create the estate's policy, pool and databricks jobs; the same plan gives the same."""
    builder = _Builder(workspace, plan, creator)
    builder.add_policy_and_pool()
    settled = [builder.add_recurring(n) for n in range(plan.job_count)]
    return settled + (builder.add_others() if plan.has_others else [])


class _Builder:
    def __init__(self, workspace: Workspace, plan: EstatePlan, creator: str) -> None:
        self._workspace = workspace
        self._plan = plan
        self._creator = creator
        self._types = _TYPES[workspace.options.cloud]
        self._is_aws = workspace.options.cloud is Cloud.AWS
        self._attributes = "aws_attributes" if self._is_aws else "azure_attributes"

    def add_policy_and_pool(self) -> None:
        cloud = self._workspace.options.cloud
        allowed = sorted(
            name
            for name in self._workspace.machinery.node_types
            if name.startswith(_POLICY_TYPES[cloud])
        )
        rules = {
            "node_type_id": {"type": "allowlist", "values": allowed},
            "num_workers": {"type": "range", "maxValue": 12, "isOptional": True},
            "autoscale.max_workers": {"type": "range", "maxValue": 12},
            "custom_tags.team": {"type": "unlimited", "isOptional": False},
        }
        self._workspace.policies[POLICY_ID] = {
            "policy_id": POLICY_ID,
            "name": "Team clusters",
            "definition": _json(rules),
            "creator_user_name": self._creator,
        }
        self._workspace.machinery.pools[POOL_ID] = {
            "instance_pool_id": POOL_ID,
            "instance_pool_name": "Warm machines",
            "node_type_id": self._types[0],
            "min_idle_instances": 4,
            "max_capacity": 40,
            "idle_instance_autotermination_minutes": 30,
            "state": "ACTIVE",
            self._attributes: {
                "availability": self._word("SPOT" if self._is_aws else "ON_DEMAND")
            },
        }

    def add_recurring(self, n: int) -> SettledJob:
        """Add the n-th recurring job; the second has two clusters."""
        rng = np.random.default_rng(seed_of(self._plan.seed, "estate", n))
        shape = list(SHAPES)[n % len(SHAPES)]
        name = _NAMES[shape].format(_TOPICS[n % len(_TOPICS)])
        has_two = n == 1
        change = ("data", "", "code", "spot")[n] if self._plan.has_changes and n < 4 else ""
        workloads = {"main": workload_of_shape(shape, seed_of(self._plan.seed, n, "main"), name)}
        if has_two:
            other = workload_of_shape("training", seed_of(self._plan.seed, n, "after"), name)
            workloads["after"] = other
        settings = self._settings(n, name, rng, has_two=has_two, is_spot=change == "spot")
        made = self._workspace.create_job(settings, self._creator)
        scenario = self._scenario(change, rng)
        self._workspace.behaviours.set(made.job_id, Behaviour(workloads, scenario))
        return SettledJob(made.job_id, name, shape, change)

    def _scenario(self, change: str, rng: np.random.Generator) -> Scenario:
        begin_at = self._workspace.now
        at = begin_at + timedelta(days=self._plan.changes_after_days)
        codes = (CodeChange(at, "2", work_factor=1.7, added_operator="Window"),)
        storm = Episode(at, at + timedelta(days=3), spot_losses_per_node_hour=_STORM_LOSSES)
        return Scenario(
            begin_at=begin_at,
            drift_per_day=float(rng.uniform(*_DRIFT_PER_DAY)) if not change else 0.0,
            weekday_factors=WEEK,
            jumps=(SizeJump(at, _DOUBLED),) if change == "data" else (),
            code_changes=codes if change == "code" else (),
            episodes=(storm,) if change == "spot" else (),
            noise_cv=self._plan.noise_cv,
            spot_losses_per_node_hour=SPOT_LOSSES,
        )

    def _settings(
        self, n: int, name: str, rng: np.random.Generator, *, has_two: bool, is_spot: bool
    ) -> Json:
        keys = ["main", "after"] if has_two else ["main"]
        clusters = [self._cluster(n, k, rng, is_spot=is_spot) for k in range(len(keys))]
        entries = []
        for k, key in enumerate(keys):
            entry: Json = {
                "task_key": key,
                "notebook_task": {"notebook_path": f"/Shared/{name}/{key}", "source": "WORKSPACE"},
            }
            # Every third job writes its cluster into the entry, as older definitions do.
            own = (
                {"new_cluster": clusters[k]}
                if n % 3 == 2
                else {"job_cluster_key": f"{key}_cluster"}
            )
            entries.append({**entry, **own})
        if has_two:
            entries[1]["depends_on"] = [{"task_key": "main"}]
        settings: Json = {
            "name": name,
            "tags": {"team": ("data", "sales", "risk")[n % 3]},
            "schedule": self._schedule(n),
            "max_concurrent_runs": 1,
            "tasks": entries,
        }
        if n % 3 != 2:
            settings["job_clusters"] = [
                {"job_cluster_key": f"{key}_cluster", "new_cluster": clusters[k]}
                for k, key in enumerate(keys)
            ]
        return settings

    def _schedule(self, n: int) -> Json:
        """Return a daily, twice daily or working-day schedule, at a quarter hour of its own."""
        minute, hour = 15 * (n % 4), (1 + n) % 24
        times = (
            f"0 {minute} {hour} * * ?",
            f"0 {minute} {hour % 12}/12 * * ?",
            f"0 {minute} {hour} ? * MON-FRI",
        )
        return {
            "quartz_cron_expression": times[n % len(times)],
            "timezone_id": "UTC",
            "pause_status": "UNPAUSED",
        }

    def _cluster(self, n: int, k: int, rng: np.random.Generator, *, is_spot: bool) -> Json:
        count = int(rng.integers(2, 9))
        is_pooled = n % 8 == 5
        spec: Json = {
            "spark_version": "15.4.x-scala2.12",
            "custom_tags": {"team": ("data", "sales", "risk")[n % 3]},
            "spark_conf": {"spark.sql.adaptive.enabled": "true"},
            "data_security_mode": "SINGLE_USER",
        }
        if is_pooled:
            spec["instance_pool_id"] = POOL_ID
        else:
            spec["node_type_id"] = self._types[int(rng.integers(len(self._types)))]
            bought = "SPOT_WITH_FALLBACK" if is_spot or n % 4 == 2 else "ON_DEMAND"
            spec[self._attributes] = {"first_on_demand": 1, "availability": self._word(bought)}
        if n % 8 == 4:
            spec["node_type_id"], spec["policy_id"] = self._types[0], POLICY_ID
        if n % 5 == 4:
            spec["autoscale"] = {"min_workers": max(1, count // 2), "max_workers": count}
        else:
            spec["num_workers"] = count
        if n % 6 == 3:
            spec["runtime_engine"] = "PHOTON"
        if self._plan.log_destination:
            kind = "volumes" if self._plan.log_destination.startswith("/Volumes") else "dbfs"
            spec["cluster_log_conf"] = {kind: {"destination": self._plan.log_destination}}
        return spec

    def _word(self, availability: str) -> str:
        if self._is_aws:
            return availability
        return (
            "SPOT_WITH_FALLBACK_AZURE" if "FALLBACK" in availability else f"{availability}_AZURE"
        )

    def add_others(self) -> list[SettledJob]:
        """Add one job of each kind that does not qualify."""
        notebook = {"notebook_task": {"notebook_path": "/Shared/other"}}
        cluster = {
            "spark_version": "15.4.x-scala2.12",
            "node_type_id": self._types[0],
            "num_workers": 2,
        }
        cluster_id = "0101-000000-allpurp1"
        self._workspace.existing[cluster_id] = {
            **cluster,
            "cluster_id": cluster_id,
            "cluster_name": "Everybody's",
            "cluster_source": "UI",
            "state": "RUNNING",
        }
        sql = {
            "sql_task": {"warehouse_id": self._workspace.warehouse_id, "query": {"query_id": "q1"}}
        }
        kinds: list[tuple[str, str, Json, Json]] = [
            ("Serverless refresh", "serverless", notebook, {}),
            (
                "Shared notebook",
                "no job cluster",
                {**notebook, "existing_cluster_id": cluster_id},
                {},
            ),
            ("Warehouse report", "SQL warehouse", sql, {}),
            ("Pipeline", "pipeline", {"pipeline_task": {"pipeline_id": "p-1"}}, {}),
            (
                "Event stream",
                "continuous",
                {**notebook, "new_cluster": cluster},
                {"continuous": {"pause_status": "UNPAUSED"}},
            ),
            ("Forgotten", "no recent run", {**notebook, "new_cluster": cluster}, {}),
        ]
        settled = []
        for name, why_not, entry, more in kinds:
            settings = {"name": name, "tasks": [{"task_key": "main", **entry}], **more}
            made = self._workspace.create_job(settings, self._creator)
            settled.append(SettledJob(made.job_id, name, is_qualifying=False, why_not=why_not))
        return settled


def _json(value: Any) -> str:  # noqa: ANN401  whatever JSON can hold
    return json.dumps(value, separators=(",", ":"))
