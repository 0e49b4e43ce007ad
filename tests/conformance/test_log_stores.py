"""Every place that keeps event logs keeps the contract, over its real SDK and a real socket."""

import logging

import boto3
import pytest
from moto.server import ThreadedMotoServer

from isocost.clouds.aws.s3 import S3Store
from isocost.clouds.azure.blob import AzureBlobStore
from isocost.clouds.databricks.files import DatabricksFileStore
from isocost.clouds.local import LocalStore
from isocost.testing.log_store_suite import LogStoreSuite
from isocost.testing.loopback import TOKEN, AzureBlobs, DatabricksFiles, Files, serving

ACCOUNT_KEY = "bm90IGEgc2VjcmV0"


@pytest.fixture(scope="session")
def s3_endpoint():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="logs")
    yield client
    client.close()


class TestLocalStore(LogStoreSuite):
    @pytest.fixture
    def store(self):
        return LocalStore()

    @pytest.fixture
    def put(self, tmp_path):
        def put(files):
            for path, content in files.items():
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_bytes(content)
            return str(tmp_path)

        return put


class TestS3Store(LogStoreSuite):
    @pytest.fixture
    def store(self, s3):
        return S3Store()

    @pytest.fixture
    def put(self, s3):
        def put(files):
            for path, content in files.items():
                s3.put_object(Bucket="logs", Key=f"some/where/{path}", Body=content)
            return "s3://logs/some/where"

        return put


class TestAzureBlobStore(LogStoreSuite):
    @pytest.fixture
    def files(self):
        return Files()

    @pytest.fixture
    def store(self, files):
        with serving(AzureBlobs, files) as url:
            connection = (
                f"DefaultEndpointsProtocol=http;AccountName=acme;AccountKey={ACCOUNT_KEY};"
                f"BlobEndpoint={url}/acme;"
            )
            yield AzureBlobStore({"AZURE_STORAGE_CONNECTION_STRING": connection})

    @pytest.fixture
    def put(self, files):
        def put(contents):
            files.contents |= {f"logs/some/{path}": body for path, body in contents.items()}
            return "abfss://logs@acme.dfs.core.windows.net/some"

        return put


class DatabricksSuite(LogStoreSuite):
    @pytest.fixture
    def files(self):
        return Files()

    @pytest.fixture
    def store(self, files, monkeypatch):
        with serving(DatabricksFiles, files) as url:
            monkeypatch.setenv("DATABRICKS_HOST", url)
            monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
            yield DatabricksFileStore()


class TestDatabricksVolume(DatabricksSuite):
    @pytest.fixture
    def put(self, files):
        def put(contents):
            files.contents |= {f"Volumes/c/s/v/{path}": body for path, body in contents.items()}
            return "/Volumes/c/s/v"

        return put


class TestDbfs(DatabricksSuite):
    @pytest.fixture
    def put(self, files):
        def put(contents):
            files.contents |= {f"cluster-logs/{path}": body for path, body in contents.items()}
            return "dbfs:/cluster-logs"

        return put


# The suite of both file systems of Databricks, to be run through its subclasses alone.
del DatabricksSuite
