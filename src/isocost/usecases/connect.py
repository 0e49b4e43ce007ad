"""An address and a token in; a connected workspace, or what stands in the way, out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

from isocost.domain.workspace import Cloud, Plan, Workspace, is_address
from isocost.errors import InvalidInput, NotFound, PlatformError, UserError
from isocost.platforms.host import Host, Permission
from isocost.store.base import Store, Transaction
from isocost.usecases.manage import resume

# Where clusters can deliver logs to (docs.databricks.com/api, `cluster_log_conf`).
_DESTINATIONS: Final = ("dbfs:/", "/Volumes/", "s3://")
# Where only simulated workspaces are.
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_BUCKET: Final = "s3://"
_AZURE_PREFIX: Final = "Standard_"


@dataclass(frozen=True, slots=True)
class Reached:
    """A workspace behind an address and a token.

    Attributes:
        region_of: asks it for its region; empty where it does not say.
        read_logs: tries whether a log destination may be listed; raises where it may not.
    """

    host: Host
    region_of: Callable[[], str]
    read_logs: Callable[[str], None]


# Takes a workspace, of which only the address need be right, and a token.
Reach = Callable[[Workspace, str], Reached]


class TokenKeeper(Protocol):
    """Keeps tokens and webhook secrets, by the workspace's name."""

    def token_of(self, name: str) -> str:
        """Return a token; raises NotFound if there is none."""
        ...

    def webhook_secret_of(self, name: str) -> str:
        """Return what the workspace proves itself with when it calls; raises as `token_of`."""
        ...

    def put(self, name: str, token: str) -> None:
        """Keep a token; the webhook secret is made with the first."""
        ...

    def remove(self, name: str) -> None:
        """Forget a token, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A workspace as the user describes it.

    Attributes:
        cloud: None to find out.
        region: empty to find out.
        plan: None for the usual one.
        webhook_url: None for what is known of it, empty for none any more.
    """

    name: str
    host: str
    token: str = field(repr=False)
    cloud: Cloud | None = None
    region: str = ""
    plan: Plan | None = None
    log_destination: str = ""
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What works in a workspace and what does not.

    Attributes:
        resumed: projects that had been left alone and are looked at again.
    """

    workspace: Workspace
    permissions: tuple[Permission, ...]
    resumed: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether nothing that is required is missing."""
        return not self.missing

    @property
    def missing(self) -> tuple[Permission, ...]:
        """What is required and does not work."""
        return tuple(p for p in self.permissions if p.is_required and not p.is_granted)


@dataclass(frozen=True, slots=True)
class Connecting:
    """What workspaces are connected with.

    Attributes:
        regions: those that the catalog has rates of, by cloud.
    """

    store: Store
    tokens: TokenKeeper
    reach: Reach
    regions: Mapping[Cloud, Sequence[str]]


def connect(connecting: Connecting, asked: Asked, *, now: datetime) -> Checked:
    """Ask a workspace whether address and token are right, and remember it if they are.

    Doing it again with the same name and address changes token and options, tells the workspace
    its webhook secret anew, and has projects that were left alone looked at again. Where anything
    is wrong nothing is stored.

    Raises:
        InvalidInput: the name or the address is taken, or the region is not known.
        PlatformError: the workspace refuses the token or something required, or is none.
    """
    with connecting.store.transaction(read_only=True) as tx:
        known = _known(tx, asked)
    # Checks name and address before anybody is asked; the rest is not known yet.
    workspace = Workspace(
        name=asked.name,
        host=asked.host.rstrip("/"),
        cloud=asked.cloud or Cloud.AWS,
        region=asked.region or (known.region if known else ""),
        plan=asked.plan or (known.plan if known else Plan.PREMIUM),
        added_at=known.added_at if known else now,
        log_destination=asked.log_destination or (known.log_destination if known else ""),
        webhook_url=_webhook_url(asked, known),
    )
    _check_destination(workspace.log_destination)
    _check_webhook(workspace)
    reached = connecting.reach(workspace, asked.token)
    permissions = tuple(_permissions(workspace, reached))
    checked = Checked(workspace, permissions)
    _demand(checked)
    workspace = _located(connecting, reached, workspace, cloud=asked.cloud)
    connecting.tokens.put(workspace.name, asked.token)
    with connecting.store.transaction() as tx:
        tx.put_workspace(workspace)
    permissions += tuple(_with_webhook(connecting, workspace, reached.host))
    return Checked(workspace, permissions, tuple(_resumed(connecting.store, workspace.name)))


def _with_webhook(
    connecting: Connecting, workspace: Workspace, host: Host
) -> Iterator[Permission]:
    """Have a webhook that projects use send the secret kept now; yield whether that is done."""
    with connecting.store.transaction(read_only=True) as tx:
        projects = [p for p in tx.imported_projects(workspace.name) if not p.is_retired]
    is_used = any(p.origin is not None and p.origin.webhook_id for p in projects)
    if not is_used or not workspace.webhook_url:
        return
    need = f"tell the webhook's secret for {workspace.webhook_url}"
    secret = connecting.tokens.webhook_secret_of(workspace.name)
    try:
        host.webhook(workspace.webhook_url, secret)
    except PlatformError as error:  # without it, ended runs are found by asking
        yield Permission(need, is_granted=False, remedy=str(error), is_required=False)
    else:
        yield Permission(need, is_granted=True, is_required=False)


def _known(tx: Transaction, asked: Asked) -> Workspace | None:
    """Return the workspace if it is there already; raises InvalidInput if it is another one."""
    host = asked.host.rstrip("/")
    for workspace in tx.workspaces():
        if (workspace.name == asked.name) != (workspace.host == host):
            raise InvalidInput(
                f"Workspace {workspace.name!r} is at {workspace.host} already. Use its name to "
                "change its token, another name for another address, or remove it first: isocost "
                f"workspace remove {workspace.name}"
            )
        if workspace.name == asked.name:
            return workspace
    return None


def _check_destination(location: str) -> None:
    if location and not location.startswith(_DESTINATIONS):
        raise InvalidInput(
            f"Clusters cannot deliver logs to {location!r}. Pass a folder below one of "
            f"{', '.join(_DESTINATIONS)}."
        )


def _webhook_url(asked: Asked, known: Workspace | None) -> str:
    if asked.webhook_url is not None:
        return asked.webhook_url.strip()
    return known.webhook_url if known else ""


def _check_webhook(workspace: Workspace) -> None:
    """Refuse a webhook that Databricks would: it calls https only, a simulated one http, too."""
    url = workspace.webhook_url
    if not url:
        return
    host = urlsplit(workspace.host).hostname
    if not is_address(url) or (host not in _THIS_MACHINE and not url.startswith("https://")):
        raise InvalidInput(
            f"No webhook can be called at {url!r}. Pass a whole https:// address as "
            "--webhook-url, such as https://isocost.example.com/v1/webhooks/databricks/"
            f"{workspace.name}, or --webhook-url '' for none."
        )


def _permissions(workspace: Workspace, reached: Reached) -> Iterator[Permission]:
    yield from reached.host.check()
    # Of what lies elsewhere than in a bucket, the workspace has told itself.
    if workspace.log_destination.startswith(_BUCKET):
        yield _log_permission(workspace.log_destination, reached)


def _log_permission(location: str, reached: Reached) -> Permission:
    need = f"read event logs at {location}"
    try:
        reached.read_logs(location)
    except NotFound:
        # The first delivery makes the folder.
        return Permission(need, is_granted=True)
    except (PlatformError, UserError) as error:
        return Permission(need, is_granted=False, remedy=str(error))
    return Permission(need, is_granted=True)


def _demand(checked: Checked) -> None:
    if checked.is_usable:
        return
    wanted = "; ".join(f"{p.need}: {p.remedy.rstrip('.')}" for p in checked.missing)
    raise PlatformError(
        f"{checked.workspace.host} accepts the token, but it may not do what is needed. {wanted}. "
        "Nothing was stored; add the workspace again once this is granted."
    )


def _located(
    connecting: Connecting, reached: Reached, workspace: Workspace, *, cloud: Cloud | None
) -> Workspace:
    """Return the workspace with cloud and region, found out where the user did not say."""
    if cloud is None:
        names = reached.host.node_type_ids()
        is_azure = any(name.startswith(_AZURE_PREFIX) for name in names)
        cloud = Cloud.AZURE if is_azure else Cloud.AWS
    region = workspace.region or reached.region_of()
    known = connecting.regions[cloud]
    if region not in known:
        found = (
            f"is in region {region!r}, of which the catalog has no rates"
            if region
            else ("does not say in which region it is")
        )
        raise InvalidInput(
            f"{workspace.host} {found}. Pass one of {', '.join(known)} as --region: the one whose "
            "prices are nearest."
        )
    return replace(workspace, cloud=cloud, region=region)


def _resumed(store: Store, workspace: str) -> Iterator[str]:
    with store.transaction(read_only=True) as tx:
        projects = [p for p in tx.imported_projects(workspace) if not p.is_retired]
    for project in projects:
        if project.guarding.fault is not None:
            resume(store, project.project_id)
            yield project.project_id


def check(connecting: Connecting, name: str) -> Checked:
    """Return, need by need, what works in a connected workspace, and remember whether it does.

    Raises:
        NotFound: there is no such workspace, or no token for it.
        PlatformError: the workspace does not accept the token, or is none.
    """
    with connecting.store.transaction(read_only=True) as tx:
        workspace = tx.workspace(name)
    try:
        reached = connecting.reach(workspace, connecting.tokens.token_of(name))
        checked = Checked(workspace, tuple(_permissions(workspace, reached)))
    except (PlatformError, NotFound) as error:
        _put_fault(connecting.store, name, str(error))
        raise
    missing = "; ".join(f"{p.need}: {p.remedy}" for p in checked.missing) or None
    return replace(checked, workspace=_put_fault(connecting.store, name, missing))


def _put_fault(store: Store, name: str, fault: str | None) -> Workspace:
    with store.transaction() as tx:
        workspace = tx.workspace(name).with_fault(fault)
        tx.put_workspace(workspace)
        return workspace


def workspaces(store: Store) -> list[tuple[Workspace, int]]:
    """Return all workspaces by name, each with how many projects are looked after in it."""
    with store.transaction(read_only=True) as tx:
        return [
            (workspace, sum(not p.is_retired for p in tx.imported_projects(workspace.name)))
            for workspace in tx.workspaces()
        ]


def leaving(store: Store, name: str) -> Sequence[str]:
    """Return the projects whose history goes if a workspace is removed.

    Raises:
        NotFound: there is no such workspace.
        InvalidInput: some of its projects are still looked after.
    """
    with store.transaction(read_only=True) as tx:
        tx.workspace(name)
        projects = tx.imported_projects(name)
    kept = [p.project_id for p in projects if not p.is_retired]
    if kept:
        raise InvalidInput(
            f"Workspace {name!r} still has projects that are looked after: {', '.join(kept)}. "
            "Delete them first, which restores their definitions: isocost project delete "
            f"{kept[0]}"
        )
    return [p.project_id for p in projects]


def disconnect(connecting: Connecting, name: str) -> None:
    """Forget a workspace, its token and the projects that were taken off; raises as `leaving`."""
    gone = leaving(connecting.store, name)
    with connecting.store.transaction() as tx:
        for project_id in gone:
            tx.remove_project(project_id)
        tx.remove_workspace(name)
    connecting.tokens.remove(name)
