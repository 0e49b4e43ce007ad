"""`s3://bucket/key` locations in, objects and ranges of their bytes out; of any S3 endpoint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from isocost.clouds.base import StoredFile, checked_file_count, chunks_by_range
from isocost.errors import InvalidInput, MissingDependency, NotFound, PlatformError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Spark writes s3a:// into its own configuration; EMR s3://, and old Hadoop s3n://.
_SCHEMES: Final = ("s3://", "s3a://", "s3n://")
_CONNECT_TIMEOUT_S: Final = 10
_READ_TIMEOUT_S: Final = 60
_TRIES: Final = 4  # of each request; boto3 waits 1, 2 and 4 seconds between them
_AMAZON: Final = (".amazonaws.com", ".amazonaws.com.cn")

_ABSENT_CODES: Final = {"404", "NoSuchKey", "NotFound"}
_DENIED_CODES: Final = {"403", "AccessDenied", "AllAccessDisabled"}
_CREDENTIAL_CODES: Final = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}
_PAST_THE_END: Final = {"416", "InvalidRange"}

Result = TypeVar("Result")


@dataclass(slots=True)
class S3Store:
    """Objects of S3 and of what speaks its protocol (set AWS_ENDPOINT_URL).

    Credentials, region, profile and endpoint are found by boto3: environment, `~/.aws`, roles.
    """

    _client: "S3Client | None" = field(default=None, repr=False, compare=False)

    def handles(self, location: str) -> bool:
        """Whether the location is an S3 URL."""
        return location.startswith(_SCHEMES)

    def find(self, location: str) -> tuple[StoredFile, ...]:
        """Return the object, or all objects below the prefix; see `LogStore.find`."""
        bucket, key = _bucket_and_key(location)
        alone = self._object(bucket, key) if key and not key.endswith("/") else None
        found = (alone,) if alone else self._below(bucket, key.rstrip("/"))
        if not found:
            raise _nothing_at(bucket, key)
        return found

    def look_into(self, folder: str) -> None:
        """Ask for one key below the prefix; see `LogStore.look_into`."""
        bucket, key = _bucket_and_key(folder)
        prefix = _prefix(key)
        answer = _translated(
            folder,
            lambda: self._connected().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1),
        )
        if not answer.get("Contents"):
            raise _nothing_at(bucket, key)

    def read_range(self, file: StoredFile, start: int, count: int) -> bytes:
        """Return a range of the object; see `LogStore.read_range`."""
        bucket, key = _bucket_and_key(file.location)
        if count <= 0 or start >= file.size_bytes:
            return b""
        span = f"bytes={start}-{start + count - 1}"

        def get() -> bytes:
            answer = self._connected().get_object(Bucket=bucket, Key=key, Range=span)
            return answer["Body"].read()

        try:
            return _translated(file.location, get)
        except _PastTheEnd:
            return b""

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Yield the object by ranges; see `LogStore.chunks`."""
        return chunks_by_range(self.read_range, file)

    def __reduce__(self) -> tuple[type["S3Store"], tuple[()]]:
        return S3Store, ()

    def _object(self, bucket: str, key: str) -> StoredFile | None:
        location = f"s3://{bucket}/{key}"
        try:
            head = _translated(
                location, lambda: self._connected().head_object(Bucket=bucket, Key=key)
            )
        except NotFound:
            return None
        name = key.rsplit("/", 1)[-1]
        return StoredFile(location, name, head["ContentLength"], head["LastModified"])

    def _below(self, bucket: str, key: str) -> tuple[StoredFile, ...]:
        prefix = _prefix(key)
        location = f"s3://{bucket}/{prefix}"
        return _translated(location, lambda: tuple(self._listed(bucket, prefix)))

    def _listed(self, bucket: str, prefix: str) -> list[StoredFile]:
        found: list[StoredFile] = []
        pages = self._connected().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            found += [
                StoredFile(
                    f"s3://{bucket}/{entry['Key']}",
                    entry["Key"].removeprefix(prefix),
                    entry["Size"],
                    entry["LastModified"],
                )
                for entry in page.get("Contents", ())
                if not entry["Key"].endswith("/")
            ]
            checked_file_count(f"s3://{bucket}/{prefix}", len(found))
        return sorted(found, key=lambda file: file.path)

    def _connected(self) -> "S3Client":
        if self._client is None:
            self._client = _connect()
        return self._client


class _PastTheEnd(Exception):
    """The range starts where the object has ended."""


def _connect() -> "S3Client":
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise MissingDependency(
            "Reading s3:// needs boto3, which is not installed. Run: pip install 'isocost[aws]'"
        ) from error
    common: dict[str, Any] = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "read_timeout": _READ_TIMEOUT_S,
        "retries": {"mode": "standard", "max_attempts": _TRIES},
    }
    try:
        client = boto3.Session().client("s3", config=Config(**common))
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        if host.endswith(_AMAZON):
            return client
        # Other endpoints rarely have a name for each bucket, so the bucket goes into the path.
        return boto3.Session().client(
            "s3", config=Config(**common, s3={"addressing_style": "path"})
        )
    except (BotoCoreError, ValueError) as error:
        raise PlatformError(
            f"The AWS configuration cannot be used: {error}. Check AWS_PROFILE, AWS_REGION, "
            "AWS_ENDPOINT_URL and ~/.aws/config."
        ) from error


def _bucket_and_key(location: str) -> tuple[str, str]:
    bucket, _, key = location.split("://", 1)[1].partition("/")
    if not bucket:
        raise InvalidInput(f"{location} names no bucket. Write s3://<bucket>/<path of the log>.")
    return bucket, key


def _prefix(key: str) -> str:
    folder = key.rstrip("/")
    return f"{folder}/" if folder else ""


def _nothing_at(bucket: str, key: str) -> NotFound:
    return NotFound(
        f"s3://{bucket}/{key} does not exist: no object has this key, and none has a key "
        f"below it. List what is there with: aws s3 ls s3://{bucket}/"
    )


def _translated(location: str, call: Callable[[], Result]) -> Result:
    """Make a call; boto3's errors become ours."""
    # Only here, after a client was made or right before: the import is known to work or to fail.
    try:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError:
        return call()
    try:
        return call()
    except ClientError as error:
        raise _from_answer(location, dict(error.response.get("Error", {}))) from error
    except NoCredentialsError as error:
        raise PlatformError(
            f"{location} cannot be read: no AWS credentials were found in AWS_ACCESS_KEY_ID, "
            "AWS_PROFILE, ~/.aws or a role of this machine. Run: aws configure"
        ) from error
    except BotoCoreError as error:
        raise PlatformError(
            f"{location} cannot be read: {error}. Check the network, AWS_REGION and "
            "AWS_ENDPOINT_URL, then try again."
        ) from error


def _from_answer(location: str, answer: dict[str, Any]) -> Exception:
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    bucket = _bucket_and_key(location)[0]
    if code == "NoSuchBucket":
        return NotFound(f"There is no bucket {bucket!r}. Check its name, and the account in use.")
    if code in _ABSENT_CODES:
        return NotFound(f"{location} does not exist. List the bucket: aws s3 ls s3://{bucket}/")
    if code in _PAST_THE_END:
        return _PastTheEnd()
    if code in _DENIED_CODES:
        return PlatformError(
            f"{location} may not be read: S3 answered {code}. The credentials in use need "
            f"s3:ListBucket on the bucket and s3:GetObject on arn:aws:s3:::{bucket}/*."
        )
    if code in _CREDENTIAL_CODES:
        return PlatformError(
            f"{location} cannot be read: S3 answered {code}. Renew the credentials: "
            "aws sso login, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY anew."
        )
    return PlatformError(f"{location} cannot be read: S3 answered {code} ({message}). Try again.")
