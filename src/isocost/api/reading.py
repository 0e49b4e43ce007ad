"""Names and ids in, what is stored of them out as JSON."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from isocost import __version__
from isocost.api.schemas import (
    ExecutionOut,
    ExecutionsOut,
    Health,
    ProjectOut,
    ProjectsOut,
    RecommendationOut,
    RecommendationsOut,
    WorkspacesOut,
)
from isocost.api.serving import Served
from isocost.usecases.project_view import (
    execution_view,
    execution_views,
    project_view,
    project_views,
)

DEFAULT_NEWEST: Final = 100
MOST_NEWEST: Final = 1_000  # about 2 MB of JSON

Newest = Annotated[
    int, Query(ge=1, le=MOST_NEWEST, description="As many of the newest; they come oldest first.")
]


def router(served: Served) -> APIRouter:
    """Return the endpoints that read."""
    routes = APIRouter(prefix="/v1", tags=["reading"])
    _add_projects(routes, served)
    _add_runs(routes, served)

    @routes.get("/health", tags=["health"])
    def health() -> Health:
        """Tell whether the server looks after projects; asks for no token."""
        pulse = served.pulse()
        return Health(
            status="ok" if pulse.is_running else "stopping",
            version=__version__,
            swept_at=pulse.swept_at,
            waiting_count=pulse.waiting_count,
        )

    @routes.get("/workspaces")
    def workspaces() -> WorkspacesOut:
        """List the connected workspaces."""
        with served.store.transaction(read_only=True) as tx:
            return WorkspacesOut.of(list(tx.workspaces()))

    return routes


def _add_projects(routes: APIRouter, served: Served) -> None:
    @routes.get("/projects")
    def projects(
        workspace: Annotated[str | None, Query(description="Only of this workspace.")] = None,
    ) -> ProjectsOut:
        """List the projects that are looked after."""
        return ProjectsOut(
            projects=[ProjectOut.of(view) for view in project_views(served.store, workspace)]
        )

    @routes.get("/projects/{project_id}")
    def project(project_id: str) -> ProjectOut:
        """Show one project."""
        with served.store.transaction(read_only=True) as tx:
            return ProjectOut.of(project_view(tx, tx.project(project_id)))


def _add_runs(routes: APIRouter, served: Served) -> None:
    @routes.get("/projects/{project_id}/executions")
    def executions(project_id: str, newest: Newest = DEFAULT_NEWEST) -> ExecutionsOut:
        """List the newest executions of a project."""
        with served.store.transaction(read_only=True) as tx:
            found = execution_views(tx, tx.project(project_id), newest=newest)
        return ExecutionsOut(executions=[ExecutionOut.of(view) for view in found])

    @routes.get("/projects/{project_id}/recommendations")
    def recommendations(project_id: str, newest: Newest = DEFAULT_NEWEST) -> RecommendationsOut:
        """List the newest recommendations of a project."""
        with served.store.transaction(read_only=True) as tx:
            tx.project(project_id)
            found = tx.recommendations_of(project_id, newest=newest)
        return RecommendationsOut(recommendations=[RecommendationOut.of(each) for each in found])

    @routes.get("/executions/{execution_id}")
    def execution(execution_id: str) -> ExecutionOut:
        """Show one execution with its clusters' runs, costs and deviations."""
        with served.store.transaction(read_only=True) as tx:
            found = tx.execution(execution_id)
            sla = tx.project(found.project_id).sla
            return ExecutionOut.of(execution_view(tx, found, sla))
