"""An experiment's name in, how it stands and what its policies came to out as JSON."""

from fastapi import APIRouter

from isocost.api.schemas import ExperimentFiguresOut, ExperimentOut, ExperimentsOut, PolicyOut
from isocost.api.serving import Served
from isocost.jobbank.analysis.headline import headlines
from isocost.jobbank.rows import rows_of
from isocost.usecases.orchestrate import standing_of
from isocost.usecases.report import experiment_record


def router(served: Served) -> APIRouter:
    """Return the endpoints about experiments of the Job Bank."""
    routes = APIRouter(prefix="/v1", tags=["experiments"])

    @routes.get("/experiments")
    def experiments() -> ExperimentsOut:
        """List the experiments, oldest first."""
        with served.store.transaction(read_only=True) as tx:
            names = [each.name for each in tx.experiments()]
        found = [ExperimentOut.of(standing_of(served.store, name)) for name in names]
        return ExperimentsOut(experiments=found)

    @routes.get("/experiments/{name}")
    def experiment(name: str) -> ExperimentFiguresOut:
        """Show what an experiment's policies came to; takes seconds for thousands of runs."""
        standing = standing_of(served.store, name)
        # Sizes of machines, which node types would tell, are in none of these figures.
        rows = rows_of(experiment_record(served.store, name, lambda _: ()))
        return ExperimentFiguresOut(
            experiment=ExperimentOut.of(standing),
            policies=[PolicyOut.model_validate(each) for each in headlines(rows)],
        )

    return routes
