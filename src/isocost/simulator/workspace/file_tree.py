"""Paths of DBFS and of volumes in; folders, files and bytes out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from isocost.simulator.workspace.clusters import JobCluster
from isocost.simulator.workspace.log_files import DeliveredFile, Deliveries
from isocost.simulator.workspace.refusal import not_found


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder.

    Attributes:
        path: absolute, without `dbfs:`.
        file: None for a folder.
    """

    path: str
    file: DeliveredFile | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it holds others."""
        return self.file is None

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.rsplit("/", 1)[-1]


def plain_path(path: str) -> str:
    """Return an absolute path without scheme and closing slash."""
    bare = path.removeprefix("dbfs:").rstrip("/")
    return "/" + bare.lstrip("/")


class FileTree:
    """Files that were put there, and the logs of clusters; nothing of these is made until asked.

    Thread-safety: none, the workspace's lock is held around every call.
    """

    def __init__(self, deliveries: Deliveries, clusters: Mapping[str, JobCluster]) -> None:
        self._deliveries = deliveries
        self._clusters = clusters
        self._stored: dict[str, DeliveredFile] = {}

    def put(self, path: str, content: bytes, at: datetime) -> None:
        """Store a file, in place of any of its name."""
        path = plain_path(path)
        self._stored[path] = DeliveredFile(path, len(content), at, lambda: content)

    def get(self, path: str, now: datetime) -> Entry:
        """Return a file or folder; raises Refusal if there is none."""
        path = plain_path(path)
        for file in self._files_below(path, now):
            if file.path == path:
                return Entry(path, file)
        if path == "/" or self._has_below(path, now):
            return Entry(path)
        raise not_found(f"No file or directory exists on path {path}.")

    def entries(self, path: str, now: datetime) -> list[Entry]:
        """Return what a folder holds, by name; a file gives itself."""
        found = self.get(path, now)
        if not found.is_folder:
            return [found]
        prefix = found.path.rstrip("/") + "/"
        entries: dict[str, Entry] = {}
        for each in self._paths_below(prefix, now):
            head, _, rest = each.removeprefix(prefix).partition("/")
            child = prefix + head
            if rest:
                entries[child] = Entry(child)
            else:
                entries.setdefault(child, self.get(child, now))
        return [entries[name] for name in sorted(entries)]

    def _has_below(self, path: str, now: datetime) -> bool:
        return any(True for _ in self._paths_below(path + "/", now))

    def _paths_below(self, prefix: str, now: datetime) -> Iterable[str]:
        """Yield paths under a folder; a log above whose root the folder lies is not made."""
        yield from (path for path in self._stored if path.startswith(prefix))
        for cluster in self._clusters.values():
            yield from self._log_paths(cluster, prefix, now)

    def _log_paths(self, cluster: JobCluster, prefix: str, now: datetime) -> Iterable[str]:
        root = plain_path(cluster.log_root) if cluster.log_root else ""
        if root.startswith(prefix):
            begins_at = self._deliveries.begins_at(cluster)
            if begins_at is not None and now >= begins_at:
                yield f"{root}/."
        elif root and prefix.startswith(root + "/"):
            files = self._log_files(cluster, now)
            yield from (file.path for file in files if file.path.startswith(prefix))

    def _files_below(self, path: str, now: datetime) -> Iterable[DeliveredFile]:
        if path in self._stored:
            yield self._stored[path]
        for cluster in self._clusters.values():
            if cluster.log_root and path.startswith(plain_path(cluster.log_root) + "/"):
                yield from self._log_files(cluster, now)

    def _log_files(self, cluster: JobCluster, now: datetime) -> list[DeliveredFile]:
        return [
            DeliveredFile(plain_path(file.path), file.size_bytes, file.modified_at, file.read)
            for file in self._deliveries.files(cluster, now)
        ]
