"""The log store's contract as tests; an adapter is finished when a subclass of this passes."""

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest

from isocost.clouds.base import PIECE_BYTES, RANGE_BYTES, LogStore, StoredFile
from isocost.errors import IsocostError, NotFound
from isocost.testing.framings import ENCODERS
from isocost.usecases.open_log import open_one

LARGE: Final = bytes(range(251)) * ((RANGE_BYTES + 3 * PIECE_BYTES) // 251)
EVENT: Final = b'{"Event":"SparkListenerLogStart"}\n'
FILES: Final = {
    "logs/b/app-2": b"two",
    "logs/a.txt": b"0123456789",
    "logs/b/c/app-1": b"",
    "logs2/other": b"not below logs",
}

Put = Callable[[Mapping[str, bytes]], str]


class LogStoreSuite:
    """Give a subclass fixtures `store` and `put`.

    `put` stores bytes by path below one folder, and returns that folder's location without a
    slash at its end.
    """

    def test_locations_of_its_own_form_are_handled(self, store: LogStore, put: Put) -> None:
        assert store.handles(put(FILES))

    def test_file_is_found_under_its_name(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        assert (file.path, file.size_bytes) == ("a.txt", 10)

    def test_folder_gives_all_files_below_it_by_path(self, store: LogStore, put: Put) -> None:
        found = store.find(put(FILES) + "/logs")
        assert [file.path for file in found] == ["a.txt", "b/app-2", "b/c/app-1"]
        assert [file.size_bytes for file in found] == [10, 3, 0]

    def test_slash_at_the_end_changes_nothing(self, store: LogStore, put: Put) -> None:
        root = put(FILES)
        assert store.find(root + "/logs/") == store.find(root + "/logs")

    def test_location_of_a_found_file_finds_it_again(self, store: LogStore, put: Put) -> None:
        found = store.find(put(FILES) + "/logs")
        again = [store.find(file.location)[0] for file in found]
        assert [file.location for file in again] == [file.location for file in found]

    def test_time_is_aware(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        assert file.modified_at is None or file.modified_at.utcoffset() == timedelta(0)

    def test_what_is_not_there_is_not_found(self, store: LogStore, put: Put) -> None:
        with pytest.raises(NotFound, match="logs/nothing"):
            store.find(put(FILES) + "/logs/nothing")

    def test_start_of_a_name_is_no_folder(self, store: LogStore, put: Put) -> None:
        with pytest.raises(NotFound):
            store.find(put(FILES) + "/log")

    @pytest.mark.parametrize("end", ["", "/"])
    def test_folder_that_is_there_may_be_looked_into(
        self, store: LogStore, put: Put, end: str
    ) -> None:
        store.look_into(put(FILES) + "/logs" + end)

    def test_folder_that_is_not_there_cannot_be_looked_into(
        self, store: LogStore, put: Put
    ) -> None:
        with pytest.raises(NotFound):
            store.look_into(put(FILES) + "/log")

    @pytest.mark.parametrize(
        ("start", "count", "expected"),
        [(0, 4, b"0123"), (3, 2, b"34"), (8, 9, b"89"), (10, 5, b""), (99, 5, b""), (2, 0, b"")],
    )
    def test_range_ends_with_the_file(
        self, store: LogStore, put: Put, *, start: int, count: int, expected: bytes
    ) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        assert store.read_range(file, start, count) == expected

    def test_chunks_are_the_file_in_bounded_pieces(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put({"large": LARGE}) + "/large")
        pieces = list(store.chunks(file))
        assert b"".join(pieces) == LARGE
        assert {0 < len(piece) <= PIECE_BYTES for piece in pieces} == {True}

    def test_empty_file_has_no_chunks(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put(FILES) + "/logs/b/c/app-1")
        assert list(store.chunks(file)) == []

    def test_chunks_may_be_left_early(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put({"large": LARGE}) + "/large")
        first = next(iter(store.chunks(file)))
        assert LARGE.startswith(first)

    @pytest.mark.parametrize("name", ["a b", "50%", "ünï", "x=1,y=2", "a+b", "%41", "q?x", "a#b"])
    def test_name_with_unusual_letters_is_kept(
        self, store: LogStore, put: Put, *, name: str
    ) -> None:
        (file,) = store.find(put({f"odd/{name}/app-1": name.encode()}) + f"/odd/{name}")
        assert file.path == "app-1"
        assert store.read_range(file, 0, 99) == name.encode()

    def test_file_that_is_gone_is_not_found(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        gone = StoredFile(file.location + "x", "a.txtx", 5)
        with pytest.raises(NotFound):
            store.read_range(gone, 0, 5)

    def test_chunks_of_a_file_that_is_gone_fail_with_our_error(
        self, store: LogStore, put: Put
    ) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        with pytest.raises(IsocostError):
            list(store.chunks(StoredFile(file.location + "x", "a.txtx", 5)))

    def test_copy_sent_to_another_process_reads_the_same(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put(FILES) + "/logs/a.txt")
        there, same = pickle.loads(pickle.dumps((store, file)))  # noqa: S301 - our own bytes
        assert there.read_range(same, 0, 99) == b"0123456789"

    def test_threads_may_read_at_once(self, store: LogStore, put: Put) -> None:
        (file,) = store.find(put({"large": LARGE}) + "/large")
        with ThreadPoolExecutor(4) as pool:
            read = list(pool.map(lambda at: store.read_range(file, at, 7), range(0, 900, 100)))
        assert read == [LARGE[at : at + 7] for at in range(0, 900, 100)]

    def test_rolled_log_is_read_from_it(self, store: LogStore, put: Put) -> None:
        files = {f"eventlog_v2_a/events_{n}_a.zstd": ENCODERS["zstd"](EVENT) for n in (1, 2)}
        log = open_one(put(files) + "/eventlog_v2_a", [store])
        assert b"".join(chunk for part in log.parts for chunk in part.open()) == EVENT * 2

    def test_zip_is_read_from_it(self, store: LogStore, put: Put) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
            target.writestr("app-1", EVENT)
            target.writestr("noise", LARGE)
        log = open_one(put({"some.zip": packed.getvalue()}) + "/some.zip", [store])
        assert b"".join(log.parts[0].open()) == EVENT
