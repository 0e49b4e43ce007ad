"""Workspaces that nobody can reach: given up within the patience, and told in plain words."""

import socket
import time
from contextlib import contextmanager

import pytest

from isocost.errors import PlatformError, Unavailable

pytest.importorskip("databricks.sdk")

from isocost.platforms.databricks.connection import Calls

PATIENCE_S = 6
# What a busy machine may add.
SLACK_S = 4.0


@contextmanager
def silent():
    """Give the address of what takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def asked(url, **limits):
    """Ask a workspace; returns what that says, and how many seconds it took."""
    began_s = time.monotonic()
    with pytest.raises(PlatformError) as failed:
        Calls(url, "dapi-secret", **limits).get("listing jobs", "/api/2.2/jobs/list")
    return failed.value, time.monotonic() - began_s


def test_what_never_answers_is_given_up_within_the_patience():
    with silent() as url:
        error, took_s = asked(url, patience_s=PATIENCE_S)
    assert took_s < PATIENCE_S + SLACK_S
    assert isinstance(error, Unavailable)
    assert f"{url} could not be reached for {took_s:.0f} s" in str(error)
    assert "it gives no answer. Check the address" in str(error)


def test_what_refuses_connections_is_given_up_within_the_patience():
    error, took_s = asked("http://127.0.0.1:9", patience_s=PATIENCE_S)
    assert took_s < PATIENCE_S + SLACK_S
    assert "connection refused. Check the address" in str(error)


def test_a_name_that_nobody_knows_is_told_as_such():
    error, _ = asked("http://nobody.invalid", patience_s=1)
    assert str(error).startswith("http://nobody.invalid could not be reached")
    assert "nobody knows its name" in str(error)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://127.0.0.1:abc"])
def test_no_library_that_noticed_is_named(url):
    error, _ = asked(url, patience_s=1)
    for word in ("Pool", "Max retries", "urllib3", "Config:", "token="):
        assert word not in str(error)


def test_a_limit_is_one_calls_only():
    calls = Calls("http://127.0.0.1:9", "dapi-secret", patience_s=1)
    for _ in range(2):
        with pytest.raises(Unavailable, match="connection refused"):
            calls.get("listing jobs", "/api/2.2/jobs/list")
