"""Archives are read where they lie, in bounds, and a cut one is flagged."""

import io
import pickle
import random
import tarfile
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocost.clouds.local import LocalStore
from isocost.errors import InvalidInput, IsocostError, NotAnEventLog, UnreadableLog
from isocost.eventlog import archive
from isocost.testing.framings import ENCODERS
from isocost.usecases.open_log import open_logs, open_one

STORES = [LocalStore()]
EVENT = b'{"Event":"SparkListenerLogStart","Spark Version":"3.5.%d"}\n'
PARTS = {f"eventlog_v2_a/events_{n}_a": EVENT % n * 3_000 for n in (1, 2, 3)}
WHOLE = b"".join(PARTS.values())
JUNK = {"__MACOSX/x/._events_1_a": b"\0\5", "x/.DS_Store": b"\0", "x/prices.json": b'{"a": 1}'}


def a_zip(files, method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return packed.getvalue()


def a_tar(files, mode="w:gz", form=tarfile.PAX_FORMAT):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode, format=form) as target:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            target.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def at(tmp_path, content):
    path = tmp_path / "some.archive"
    path.write_bytes(content)
    return str(path)


def text_of(log):
    return b"".join(chunk for part in log.parts for chunk in part.open())


packings = pytest.mark.parametrize(
    "pack",
    [
        a_zip,
        lambda files: a_zip(files, zipfile.ZIP_STORED),
        a_tar,
        lambda files: a_tar(files, "w"),
        lambda files: a_tar(files, form=tarfile.GNU_FORMAT),
        lambda files: ENCODERS["zstd"](a_tar(files, "w")),
    ],
    ids=["zip", "zip-stored", "tgz", "tar", "gnu-tgz", "tar.zst"],
)


@packings
def test_archive_is_read_as_the_folder_it_was(tmp_path, pack):
    log = open_one(at(tmp_path, pack(PARTS | JUNK)), STORES)
    assert text_of(log) == WHOLE
    assert text_of(log) == WHOLE
    assert log.missing == ()


@packings
def test_compressed_members_are_unpacked(tmp_path, pack):
    packed = {name: ENCODERS["lz4"](content) for name, content in PARTS.items()}
    assert text_of(open_one(at(tmp_path, pack(packed)), STORES)) == WHOLE


@packings
def test_long_names_are_kept(tmp_path, pack):
    name = "a" * 90 + "/" + "b" * 90 + "/" + "é" * 60 + "/app-1"
    logs = open_logs(at(tmp_path, pack({name: EVENT, "z/app-2": EVENT})), STORES)
    assert logs.applications[0].parts[0].name == f"{tmp_path}/some.archive!{name}"


def test_member_knows_its_size_and_time(tmp_path):
    part = open_one(at(tmp_path, a_tar({"app-1": EVENT})), STORES).parts[0]
    assert part.stored_bytes == len(EVENT)
    assert part.modified_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@packings
def test_parts_can_be_read_in_any_order(tmp_path, pack):
    parts = open_one(at(tmp_path, pack(PARTS)), STORES).parts
    read = [b"".join(parts[n].open()) for n in (2, 0, 1, 1, 2)]
    assert read == [list(PARTS.values())[n] for n in (2, 0, 1, 1, 2)]


@packings
def test_part_closed_early_disturbs_no_other(tmp_path, pack):
    parts = open_one(at(tmp_path, pack(PARTS)), STORES).parts
    chunks = parts[0].open()
    next(chunks)
    chunks.close()
    assert b"".join(parts[1].open()) == PARTS["eventlog_v2_a/events_2_a"]


@packings
def test_archived_log_can_be_sent_to_another_process(tmp_path, pack):
    log = open_one(at(tmp_path, pack(PARTS)), STORES)
    assert text_of(pickle.loads(pickle.dumps(log))) == WHOLE


def test_archives_beside_logs_are_read_on_their_own(tmp_path):
    (tmp_path / "app-1").write_bytes(EVENT)
    (tmp_path / "b.zip").write_bytes(a_zip(PARTS))
    (tmp_path / "c.zip").write_bytes(a_zip(PARTS)[:-9])
    logs = open_logs(str(tmp_path), STORES)
    assert [log.location.rsplit("/", 1)[-1] for log in logs.applications] == ["app-1", "b.zip"]
    assert [type(log.error) for log in logs.failed] == [UnreadableLog]


def test_archive_in_an_archive_is_passed_over(tmp_path):
    logs = open_logs(at(tmp_path, a_zip({"app-1": EVENT, "in.zip": a_zip(PARTS)})), STORES)
    assert len(logs.applications) == 1


def test_cut_tgz_flags_its_applications(tmp_path):
    noise = random.Random(3).randbytes(200_000)
    packed = a_tar({"app-1": EVENT * 100, "noise.bin": noise, "app-2": EVENT})
    log = open_one(at(tmp_path, packed[: len(packed) // 2]), STORES)
    assert log.missing[0].reason == "the gzip stream ends early"


@pytest.mark.parametrize("pack", [a_zip, a_tar])
def test_archive_without_logs_is_named(tmp_path, pack):
    with pytest.raises(NotAnEventLog, match=r"some\.archive"):
        open_one(at(tmp_path, pack(JUNK)), STORES)


def test_encrypted_member_fails_alone(tmp_path):
    packed = bytearray(a_zip({"app-1": EVENT, "app-2": EVENT}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    logs = open_logs(at(tmp_path, bytes(packed)), STORES)
    assert len(logs.applications) == 1
    assert "encrypted" in str(logs.failed[0].error)


@pytest.mark.parametrize("pack", [a_zip, a_tar])
def test_bomb_is_refused_by_its_ratio(tmp_path, pack):
    location = at(tmp_path, pack({"app-1": bytes(archive.RATIO_FLOOR_BYTES + 1)}))
    with pytest.raises(InvalidInput, match="times as much"):
        open_one(location, STORES)


def test_too_many_entries_are_refused(tmp_path):
    location = at(tmp_path, a_zip({f"{n}": b"" for n in range(archive.MAX_ENTRIES + 1)}))
    with pytest.raises(InvalidInput, match="10,000 entries"):
        open_one(location, STORES)


def test_more_than_a_log_can_be_is_refused():
    budget = archive.Budget("x.zip", archive.MAX_TOTAL_BYTES)
    with pytest.raises(InvalidInput, match="the limit is 256 GiB"):
        budget.spend(archive.MAX_TOTAL_BYTES + 1)


@settings(max_examples=120)
@given(data=st.data(), pack=st.sampled_from([a_zip, a_tar, lambda files: a_tar(files, "w")]))
def test_cut_or_changed_archive_never_raises_a_foreign_error(tmp_path_factory, data, pack):
    packed = bytearray(pack({"app-1": EVENT * 50, "b/app-2": EVENT * 50}))
    for place in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=3)):
        packed[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(packed)))
    location = at(tmp_path_factory.mktemp("cut"), bytes(packed[:end]))
    try:
        for log in open_logs(location, STORES).applications:
            text_of(log)
    except IsocostError:
        pass
