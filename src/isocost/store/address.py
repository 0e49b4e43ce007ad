"""A text like `postgresql://user:password@host/database` in, an address to be shown out."""

import re
from dataclasses import dataclass, field
from typing import Final

from isocost.errors import InvalidInput

# The address as libpq reads it, of which each part may be missing; see
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS. An unescaped
# "@", "/" or "#" in the password fits nowhere here. That matters: libpq would take the password's
# rest for a host or a database, and say so in its messages.
_SHAPE: Final = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/?#\s]*)(?P<password>:[^:@/?#\s]*)?@)?"
    r"(?P<hosts>[^@/?#\s]*)(?:/(?P<database>[^@/?#\s]*))?(?:\?[^@/?#\s]*)?"
)
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::\d*)?")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a PostgreSQL database is and who asks for it.

    Attributes:
        url: the whole of it, password included; only the driver is to see it.
    """

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        shape = _SHAPE.fullmatch(self.url)
        if shape is None or not all(map(_HOST.fullmatch, shape["hosts"].split(","))):
            # What was given is not repeated: nobody knows which part of it is the password.
            raise InvalidInput(
                "The database's address cannot be read. Expected: "
                "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with the signs : @ / ? # % in "
                "USER and PASSWORD written as %3A %40 %2F %3F %23 %25."
            )

    def __str__(self) -> str:
        shape = _SHAPE.fullmatch(self.url)
        assert shape is not None  # noqa: S101  checked when it was built
        secret = ":***" if shape["password"] else ""
        user = f"{shape['user']}{secret}@" if shape["user"] is not None else ""
        # The parameters after "?" are left out, for they may hold a password too.
        return f"postgresql://{user}{shape['hosts']}/{shape['database'] or ''}"

    def __repr__(self) -> str:
        return f"PostgresAddress({str(self)!r})"
