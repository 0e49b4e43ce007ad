"""What can go wrong at a place that keeps logs, and what the message then says to do."""

import logging
import sys

import boto3
import pytest
from moto.server import ThreadedMotoServer

from isocost.clouds.aws.s3 import S3Store
from isocost.clouds.azure.blob import AzureBlobStore
from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.errors import InvalidInput, MissingDependency, NotFound, PlatformError
from isocost.testing.loopback import TOKEN, AzureBlobs, DatabricksFiles, Files, serving

EVENT = b'{"Event":"SparkListenerLogStart"}\n'
ABFSS = "abfss://logs@acme.dfs.core.windows.net"


@pytest.fixture(scope="module")
def moto():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return monkeypatch


@pytest.fixture
def azure():
    files = Files({"logs/a/app-1": EVENT, "logs/a": b""}, folder_marks={"logs/a"})
    with serving(AzureBlobs, files) as url:
        yield files, f"AccountName=acme;AccountKey=bm90IGEgc2VjcmV0;BlobEndpoint={url}/acme;"


@pytest.fixture
def workspace(monkeypatch, tmp_path):
    files = Files({"Volumes/c/s/v/app-1": EVENT * 9, "logs/app-1": EVENT})
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(DatabricksFiles, files) as url:
        monkeypatch.setenv("DATABRICKS_HOST", url)
        monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
        yield files


def test_bucket_that_is_not_there_is_named(s3):
    with pytest.raises(NotFound, match="no bucket 'nobody-has-it'"):
        S3Store().find("s3://nobody-has-it/x/")


def test_key_that_is_not_there_tells_how_to_list(s3):
    boto3.client("s3").create_bucket(Bucket="full")
    with pytest.raises(NotFound, match="aws s3 ls s3://full/"):
        S3Store().find("s3://full/x")


def test_missing_aws_credentials_tell_where_they_are_looked_for(s3):
    s3.delenv("AWS_ACCESS_KEY_ID")
    s3.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PlatformError, match=r"AWS_ACCESS_KEY_ID.*aws configure"):
        S3Store().find("s3://full/x")


def test_denied_object_tells_the_right_that_is_missing(s3):
    s3.setenv("AWS_ENDPOINT_URL", "")
    with serving(AzureBlobs, Files(status=403)) as url:
        s3.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(PlatformError, match="s3:GetObject"):
            S3Store().find("s3://full/x")


def test_unknown_aws_profile_is_our_error(s3):
    s3.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(PlatformError, match="AWS_PROFILE"):
        S3Store().find("s3://full/x")


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_schemes_that_spark_writes_are_s3(scheme):
    assert S3Store().handles(f"{scheme}://bucket/x")


def test_s3_url_without_bucket_is_refused():
    with pytest.raises(InvalidInput, match="names no bucket"):
        S3Store().find("s3:///x")


@pytest.mark.parametrize(
    "location",
    [
        f"{ABFSS}/a",
        "wasbs://logs@acme.blob.core.windows.net/a/",
        "https://acme.blob.core.windows.net/logs/a",
        "https://acme.dfs.core.windows.net/logs/a/app%2D1",
    ],
)
def test_every_form_of_azure_url_names_the_same_blob(azure, location):
    store = AzureBlobStore({"AZURE_STORAGE_CONNECTION_STRING": azure[1]})
    assert [file.location for file in store.find(location)] == [f"{ABFSS}/a/app-1"]


def test_container_that_is_not_there_is_named(azure):
    store = AzureBlobStore({"AZURE_STORAGE_CONNECTION_STRING": azure[1]})
    with pytest.raises(NotFound, match="no container 'none'"):
        store.find("abfss://none@acme.dfs.core.windows.net/a")


def test_denied_blob_tells_the_role_that_is_missing(azure):
    azure[0].status = 403
    store = AzureBlobStore({"AZURE_STORAGE_CONNECTION_STRING": azure[1]})
    with pytest.raises(PlatformError, match="Storage Blob Data Reader"):
        store.find(f"{ABFSS}/a")


def test_missing_azure_credentials_tell_where_they_are_looked_for(monkeypatch):
    # Only the environment is searched, so that no test asks the network for an identity.
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with pytest.raises(PlatformError, match=r"AZURE_STORAGE_CONNECTION_STRING.*az login"):
        AzureBlobStore({}).find(f"{ABFSS}/a")


def test_token_of_an_azure_url_is_never_shown(azure):
    store = AzureBlobStore({})
    assert "hush" not in repr(store)
    with pytest.raises(InvalidInput) as caught:
        store.find("https://acme.blob.core.windows.net/?sig=hush")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("location", ["abfss://acme.dfs.core.windows.net/x", "abfss://logs@/x"])
def test_incomplete_azure_url_tells_the_form(location):
    with pytest.raises(InvalidInput, match="<container>@<account>"):
        AzureBlobStore({}).find(location)


def test_missing_workspace_tells_where_it_is_looked_for(workspace, monkeypatch):
    monkeypatch.delenv("DATABRICKS_HOST")
    with pytest.raises(PlatformError, match=r"DATABRICKS_HOST.*databricks auth login"):
        DatabricksFileStore().find("dbfs:/logs")


@pytest.mark.parametrize("location", ["dbfs:/logs", "/Volumes/c/s/v"])
def test_refused_token_tells_to_renew_it(workspace, monkeypatch, location):
    monkeypatch.setenv("DATABRICKS_TOKEN", "old")
    with pytest.raises(PlatformError, match="Renew DATABRICKS_TOKEN"):
        DatabricksFileStore().find(location)


@pytest.mark.parametrize("location", ["dbfs:/logs", "/Volumes/c/s/v"])
def test_denied_databricks_file_tells_the_right_that_is_missing(workspace, location):
    workspace.status = 403
    with pytest.raises(PlatformError, match="READ VOLUME"):
        DatabricksFileStore().find(location)


def test_volume_behind_dbfs_is_the_volume(workspace):
    assert [f.path for f in DatabricksFileStore().find("dbfs:/Volumes/c/s/v")] == ["app-1"]


def test_server_that_ignores_ranges_is_read_right(workspace):
    workspace.is_range_ignored = True
    store = DatabricksFileStore()
    (file,) = store.find("/Volumes/c/s/v/app-1")
    assert store.read_range(file, 5, 9) == (EVENT * 9)[5:14]


@pytest.mark.parametrize(
    ("store", "location", "module", "wanted"),
    [
        (S3Store(), "s3://b/x", "boto3", r"'isocost\[aws\]'"),
        (AzureBlobStore({}), f"{ABFSS}/x", "azure.storage.blob", r"'isocost\[azure\]'"),
        (AzureBlobStore({}), f"{ABFSS}/x", "azure.identity", r"'isocost\[azure\]'"),
        (DatabricksFileStore(), "dbfs:/x", "databricks.sdk", "databricks-sdk"),
    ],
)
def test_missing_software_tells_what_to_install(monkeypatch, store, location, module, wanted):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=f"pip install {wanted}"):
        store.find(location)
