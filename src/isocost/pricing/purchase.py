"""How a project's clusters are bought in; what each candidate costs by the second out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from isocost.domain.cluster import ClusterSpec, NodeType
from isocost.domain.cost import RateCard
from isocost.pricing.list_cost import MACHINES_ONLY, usd_per_s


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is the same for all candidates of one cluster.

    Attributes:
        rates: of DBUs and disks.
        driver: its node type, rented on demand; None where no driver is paid for, or where it is
            of the workers' node type.
        is_driver_like_workers: it is of the workers' node type, whichever that is.
        is_spot: whether workers are spot nodes.
        disk_gib: attached volumes of each node.
    """

    rates: RateCard = MACHINES_ONLY
    driver: NodeType | None = None
    is_driver_like_workers: bool = False
    is_spot: bool = False
    disk_gib: float = 0.0

    def usd_per_s(
        self, specs: Sequence[ClusterSpec], node_types: Sequence[NodeType]
    ) -> npt.NDArray[np.float64]:
        """Return what each cluster costs a second, (specs,).

        Raises:
            InvalidInput: if a node type's DBUs or disks have no price.
        """
        used = {spec.node_type_id for spec in specs}
        kinds = [t for t in node_types if t.node_type_id in used]
        worker = {t.node_type_id: self._node(t, is_spot=self.is_spot) for t in kinds}
        driver = {t.node_type_id: self._driver_of(t) for t in kinds}
        rates = (worker[s.node_type_id] * s.worker_count + driver[s.node_type_id] for s in specs)
        return np.fromiter(rates, np.float64, len(specs))

    def _driver_of(self, worker: NodeType) -> float:
        driver = worker if self.is_driver_like_workers else self.driver
        return 0.0 if driver is None else self._node(driver, is_spot=False)

    def _node(self, node_type: NodeType, *, is_spot: bool) -> float:
        spec = ClusterSpec(node_type.node_type_id, 1)
        return usd_per_s(spec, [node_type], self.rates, is_spot=is_spot, disk_gib=self.disk_gib)


MACHINES_BY_THE_SECOND: Final = Purchase()
