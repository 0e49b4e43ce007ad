"""Requests of the Statement Execution API and about warehouses in, their answers out."""

from typing import Final

from isocost.simulator.server.calls import Answer, Call, Endpoint
from isocost.simulator.workspace.access import Right
from isocost.simulator.workspace.refusal import Refusal, invalid, not_found
from isocost.simulator.workspace.statements import Statements
from isocost.simulator.workspace.values import Json


class SqlApi:
    """The warehouse of one workspace."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return what it answers."""
        base: Final = "/api/{version}/sql/statements"
        return (
            Endpoint("POST", base, self._execute),
            Endpoint("GET", base + "/{id}", self._get),
            Endpoint("GET", base + "/{id}/result/chunks/{chunk}", self._chunk),
            Endpoint("POST", base + "/{id}/cancel", self._cancel),
            Endpoint("GET", "/api/{version}/sql/warehouses", _list_warehouses),
            Endpoint("GET", "/api/{version}/sql/warehouses/{id}", _get_warehouse),
        )

    def _execute(self, call: Call) -> Answer:
        call.demand(Right.USE_WAREHOUSE)
        if call.text("warehouse_id") != call.workspace.warehouse_id:
            raise Refusal(
                404, "NOT_FOUND", f"Warehouse {call.text('warehouse_id')} does not exist."
            )
        if call.body.get("disposition", "INLINE") != "INLINE":
            raise invalid("The simulated warehouse answers results INLINE only.")
        call.text("statement")
        return self._statements.execute(call.body, call.identity).view()

    def _get(self, call: Call) -> Answer:
        call.demand(Right.USE_WAREHOUSE)
        return self._statements.get(call.path_values["id"]).view()

    def _chunk(self, call: Call) -> Answer:
        call.demand(Right.USE_WAREHOUSE)
        number = call.path_values["chunk"]
        if not number.isdigit():
            raise invalid(f"Invalid chunk index: {number}")
        return self._statements.get(call.path_values["id"]).chunk(int(number))

    def _cancel(self, call: Call) -> Answer:
        call.demand(Right.USE_WAREHOUSE)
        self._statements.get(call.path_values["id"])
        return {}


def _list_warehouses(call: Call) -> Answer:
    call.demand(Right.USE_WAREHOUSE)
    return {"warehouses": [_warehouse(call)]}


def _get_warehouse(call: Call) -> Answer:
    call.demand(Right.USE_WAREHOUSE)
    if call.path_values["id"] != call.workspace.warehouse_id:
        raise not_found(f"Warehouse {call.path_values['id']} does not exist.")
    return _warehouse(call)


def _warehouse(call: Call) -> Json:
    return {
        "id": call.workspace.warehouse_id,
        "name": "Starter Warehouse",
        "cluster_size": "2X-Small",
        "state": "RUNNING",
        "warehouse_type": "PRO",
        "enable_serverless_compute": True,
        "num_clusters": 1,
    }
