"""Files in memory behind HTTP on this machine: as much of two protocols as reading them takes.

The real SDKs talk to these servers over real sockets. Listings come in pages of two entries, so
that whoever forgets the next page is found out.
"""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from isocost.testing.nouns import NOW
from isocost.units import MS_PER_S

PAGE_ENTRIES: Final = 2
TOKEN: Final = "let-me-in"  # noqa: S105 - opens nothing but the server of a test
_DBFS_READ_BYTES: Final = 1 << 20


@dataclass(slots=True)
class Files:
    """What a server holds; a test may change it while the server runs.

    Attributes:
        contents: bytes by absolute path, without the leading slash.
        folder_marks: names of blobs that stand for folders.
        is_range_ignored: answer every range request with the whole file, as proxies do.
        status: answer everything with this HTTP status, unless it is 0.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    folder_marks: set[str] = field(default_factory=set)
    is_range_ignored: bool = False
    status: int = 0


@contextmanager
def serving(handler: "type[_Handler]", files: Files) -> Iterator[str]:
    """Serve files at a free port of the loopback address; give the base URL."""
    bound = type("Bound", (handler,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Take calls of webhooks; give an address, and each call's user and password as they come."""
    heard: list[tuple[str, str]] = []

    class Listener(_Handler):
        def do_POST(self) -> None:
            pair = self.headers.get("Authorization", "").removeprefix("Basic ")
            name, _, password = base64.b64decode(pair).decode().partition(":")
            heard.append((name, password))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(204, b"", {})

    with serving(Listener, Files()) as url:
        yield url, heard


class _Handler(BaseHTTPRequestHandler):
    files: ClassVar[Files]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: a test's output is its own."""

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send an answer; a HEAD gets the headers alone."""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_file(self, content: bytes, span: str | None, headers: Mapping[str, str]) -> None:
        """Send a file, or the part of it that a `Range` header names."""
        common = {"Last-Modified": format_datetime(NOW, usegmt=True), "ETag": '"1"'} | dict(
            headers
        )
        if not span or self.files.is_range_ignored:
            self.answer(200, content, common)
            return
        first, _, last = span.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content)), len(content) - 1)
        if start >= len(content):
            self.answer(416, b"", {"x-ms-error-code": "InvalidRange"})
            return
        ranged = common | {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        self.answer(206, content[start : end + 1], ranged)


class AzureBlobs(_Handler):
    """Azure's Blob service: list, properties and ranges of `<account>/<container>/<blob>`."""

    def do_HEAD(self) -> None:
        """Answer the properties of a blob."""
        self._serve()

    def do_GET(self) -> None:
        """Answer a listing or a blob."""
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        _, container, name = [*unquote(url.path).lstrip("/").split("/", 2), "", ""][:3]
        if self.files.status:
            self.answer(self.files.status, b"", {"x-ms-error-code": "AuthorizationFailure"})
        elif not any(path.startswith(f"{container}/") for path in self.files.contents):
            self.answer(404, b"", {"x-ms-error-code": "ContainerNotFound"})
        elif query.get("comp") == "list":
            self._list(container, query)
        else:
            self._send(f"{container}/{name}")

    def _send(self, path: str) -> None:
        content = self.files.contents.get(path)
        if content is None:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"})
            return
        mark = {"x-ms-meta-hdi_isfolder": "true"} if path in self.files.folder_marks else {}
        span = self.headers.get("x-ms-range") or self.headers.get("Range")
        self.answer_file(content, span, {"x-ms-blob-type": "BlockBlob"} | mark)

    def _list(self, container: str, query: Mapping[str, str]) -> None:
        start = f"{container}/{query.get('prefix', '')}"
        names = sorted(path for path in self.files.contents if path.startswith(start))
        at = int(query.get("marker") or 0)
        page, rest = names[at : at + PAGE_ENTRIES], names[at + PAGE_ENTRIES :]
        entries = "".join(self._entry(path, path.split("/", 1)[1]) for path in page)
        marker = str(at + PAGE_ENTRIES) if rest else ""
        body = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<EnumerationResults ContainerName="{container}">'
            f"<Prefix>{escape(query.get('prefix', ''))}</Prefix><Blobs>{entries}</Blobs>"
            f"<NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
        self.answer(200, body.encode(), {"Content-Type": "application/xml"})

    def _entry(self, path: str, name: str) -> str:
        mark = "<hdi_isfolder>true</hdi_isfolder>" if path in self.files.folder_marks else ""
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties>"
            f"<Last-Modified>{format_datetime(NOW, usegmt=True)}</Last-Modified><Etag>1</Etag>"
            f"<Content-Length>{len(self.files.contents[path])}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties>"
            f"<Metadata>{mark}</Metadata></Blob>"
        )


class DatabricksFiles(_Handler):
    """A workspace's DBFS API and Files API, for reading; takes the bearer token `TOKEN`."""

    def do_HEAD(self) -> None:
        """Answer the metadata of a file of a volume."""
        self._serve()

    def do_GET(self) -> None:
        """Answer a status, a listing or bytes."""
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if self.files.status:
            self._refuse(self.files.status, "PERMISSION_DENIED")
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(401, "UNAUTHENTICATED")
        elif url.path.startswith("/api/2.0/dbfs/"):
            self._dbfs(url.path.rsplit("/", 1)[-1], query)
        elif url.path.startswith("/api/2.0/fs/files/"):
            self._file(unquote(url.path.removeprefix("/api/2.0/fs/files/")))
        elif url.path.startswith("/api/2.0/fs/directories/"):
            self._directory(unquote(url.path.removeprefix("/api/2.0/fs/directories/")), query)
        else:
            self._refuse(404, "ENDPOINT_NOT_FOUND")

    def _dbfs(self, verb: str, query: Mapping[str, str]) -> None:
        path = query.get("path", "").strip("/")
        content, inside = self.files.contents.get(path), self._children(path)
        if content is None and not inside:
            self._refuse(404, "RESOURCE_DOES_NOT_EXIST")
        elif verb == "get-status":
            self._json(self._info(path, is_dir=content is None))
        elif verb == "list":
            self._json({"files": [self._info(name, is_dir=is_dir) for name, is_dir in inside]})
        elif int(query["length"]) > _DBFS_READ_BYTES:
            self._refuse(400, "MAX_READ_SIZE_EXCEEDED")
        else:
            start = int(query["offset"])
            piece = (content or b"")[start : start + int(query["length"])]
            data = base64.b64encode(piece).decode()
            self._json({"bytes_read": len(piece), "data": data})

    def _info(self, path: str, *, is_dir: bool) -> dict[str, Any]:
        size = 0 if is_dir else len(self.files.contents[path])
        at_ms = int(NOW.timestamp() * MS_PER_S)
        return {
            "path": f"/{path}",
            "is_dir": is_dir,
            "file_size": size,
            "modification_time": at_ms,
        }

    def _file(self, path: str) -> None:
        content = self.files.contents.get(path)
        if content is None:
            self._refuse(404, "NOT_FOUND")
        else:
            self.answer_file(content, self.headers.get("Range"), {})

    def _directory(self, path: str, query: Mapping[str, str]) -> None:
        inside = self._children(path.strip("/"))
        if not inside:
            self._refuse(404, "NOT_FOUND")
            return
        at = int(query.get("page_token") or 0)
        entries = [
            {"path": f"/{name}", "is_directory": True}
            if is_dir
            else {"path": f"/{name}", "file_size": len(self.files.contents[name])}
            for name, is_dir in inside[at : at + PAGE_ENTRIES]
        ]
        more = at + PAGE_ENTRIES < len(inside)
        token = {"next_page_token": str(at + PAGE_ENTRIES)} if more else {}
        self._json({"contents": entries} | token)

    def _children(self, folder: str) -> list[tuple[str, bool]]:
        """Return the entries of a folder, and whether each is a folder itself."""
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self.files.contents if path.startswith(prefix)]
        names = {prefix + path.removeprefix(prefix).split("/", 1)[0] for path in inside}
        return sorted((name, name not in self.files.contents) for name in names)

    def _json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str) -> None:
        body = json.dumps({"error_code": code, "message": f"{code} for {self.path}"}).encode()
        self.answer(status, body, {"Content-Type": "application/json"})
