"""Requests for files of DBFS and of volumes in; entries and bytes out."""

import base64
import binascii
from email.utils import format_datetime
from typing import Final

from isocost.simulator.server.calls import Answer, Bytes, Call, Endpoint, page
from isocost.simulator.workspace.access import Right
from isocost.simulator.workspace.file_tree import Entry
from isocost.simulator.workspace.refusal import Refusal, invalid
from isocost.simulator.workspace.values import Json, ms
from isocost.units import BYTES_PER_MIB

_READ_MOST: Final = (
    BYTES_PER_MIB  # of one call of dbfs/read (docs.databricks.com/api, "dbfs/read")
)
_PAGE: Final = 1_000
_BINARY: Final = {"Content-Type": "application/octet-stream"}


def dbfs_status(call: Call) -> Answer:
    """Answer `dbfs/get-status`."""
    return _info(_entry(call, call.text("path")))


def dbfs_list(call: Call) -> Answer:
    """Answer `dbfs/list`."""
    call.demand(Right.READ_FILES)
    found = call.workspace.files.entries(call.text("path"), call.workspace.now)
    return {"files": [_info(each) for each in found]} if found else {}


def dbfs_read(call: Call) -> Answer:
    """Answer `dbfs/read`: at most 1 MiB."""
    found = _entry(call, call.text("path"))
    if found.file is None:
        raise invalid(f"Cannot read directory: {found.path}")
    offset, length = call.number_or("offset", 0), call.number_or("length", _READ_MOST // 2)
    if length > _READ_MOST:
        raise Refusal(
            400, "MAX_READ_SIZE_EXCEEDED", f"Read size {length} exceeds the limit of {_READ_MOST}."
        )
    if offset < 0 or length < 0:
        raise invalid("Offset and length of a read must not be negative.")
    piece = found.file.read()[offset : offset + length]
    return {"bytes_read": len(piece), "data": base64.b64encode(piece).decode()}


def dbfs_put(call: Call) -> Answer:
    """Answer `dbfs/put` of contents in the request."""
    call.demand(Right.WRITE_FILES)
    try:
        content = base64.b64decode(call.body.get("contents") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Contents are not valid base64.") from error
    call.workspace.files.put(call.text("path"), content, call.workspace.now)
    return {}


def read_file(call: Call) -> Answer:
    """Answer a download of the Files API, whole or by range."""
    found = _entry(call, "/" + call.path_values["path"])
    if found.file is None:
        raise Refusal(404, "NOT_FOUND", f"The file being accessed is not found: {found.path}")
    content = found.file.read()
    headers = {**_BINARY, "Last-Modified": _http_date(found), "Accept-Ranges": "bytes"}
    wanted = call.headers.get("range")
    if not wanted or not wanted.startswith("bytes="):
        return Bytes(content, headers=headers)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    if not first.isdigit() or int(first) >= len(content):
        return Bytes(b"", 416, {"Content-Range": f"bytes */{len(content)}"})
    end = min(int(last) if last.isdigit() else len(content) - 1, len(content) - 1)
    piece = content[int(first) : end + 1]
    headers["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
    return Bytes(piece, 206, headers)


def write_file(call: Call) -> Answer:
    """Answer an upload of the Files API."""
    call.demand(Right.WRITE_FILES)
    call.workspace.files.put("/" + call.path_values["path"], call.content, call.workspace.now)
    return Bytes(b"", 204)


def list_folder(call: Call) -> Answer:
    """Answer a listing of the Files API, by pages."""
    found = _entry(call, "/" + call.path_values["path"])
    if not found.is_folder:
        raise Refusal(404, "NOT_FOUND", f"The directory being accessed is not found: {found.path}")
    entries = call.workspace.files.entries(found.path, call.workspace.now)
    limit = call.number_or("page_size", _PAGE) or _PAGE
    views = [_volume_info(each) for each in entries]
    shown, following, _ = page(views, call.query.get("page_token"), limit)
    answer: Json = {"contents": shown}
    return {**answer, "next_page_token": following} if following else answer


def head_folder(call: Call) -> Answer:
    """Answer whether a folder is there."""
    found = _entry(call, "/" + call.path_values["path"])
    if not found.is_folder:
        raise Refusal(404, "NOT_FOUND", f"The directory being accessed is not found: {found.path}")
    return Bytes(b"")


def _entry(call: Call, path: str) -> Entry:
    call.demand(Right.READ_FILES)
    return call.workspace.files.get(path, call.workspace.now)


def _info(entry: Entry) -> Json:
    if entry.file is None:
        return {"path": entry.path, "is_dir": True, "file_size": 0, "modification_time": 0}
    return {
        "path": entry.path,
        "is_dir": False,
        "file_size": entry.file.size_bytes,
        "modification_time": ms(entry.file.modified_at),
    }


def _volume_info(entry: Entry) -> Json:
    if entry.file is None:
        return {"path": entry.path, "name": entry.name, "is_directory": True}
    return {
        "path": entry.path,
        "name": entry.name,
        "is_directory": False,
        "file_size": entry.file.size_bytes,
        "last_modified": ms(entry.file.modified_at),
    }


def _http_date(entry: Entry) -> str:
    assert entry.file is not None  # noqa: S101  its callers have looked
    return format_datetime(entry.file.modified_at, usegmt=True)


_FILE: Final = "/api/{version}/fs/files/{path:path}"
_FOLDER: Final = "/api/{version}/fs/directories/{path:path}"
ENDPOINTS: Final = (
    Endpoint("GET", "/api/{version}/dbfs/get-status", dbfs_status),
    Endpoint("GET", "/api/{version}/dbfs/list", dbfs_list),
    Endpoint("GET", "/api/{version}/dbfs/read", dbfs_read),
    Endpoint("POST", "/api/{version}/dbfs/put", dbfs_put),
    Endpoint("GET", _FILE, read_file),
    Endpoint("HEAD", _FILE, read_file),
    Endpoint("PUT", _FILE, write_file),
    Endpoint("GET", _FOLDER, list_folder),
    Endpoint("HEAD", _FOLDER, head_folder),
)
