"""A database's address: what is taken, and that nothing shows its password."""

import pytest

from isocost.errors import InvalidInput
from isocost.store.address import PostgresAddress


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:secret@db:5432/isocost", "postgresql://ada:***@db:5432/isocost"),
        ("postgres://ada:s%40cret@db/isocost", "postgresql://ada:***@db/isocost"),
        ("postgresql://ada@db/isocost", "postgresql://ada@db/isocost"),
        ("postgresql:///isocost?password=secret", "postgresql:///isocost"),
        ("postgresql://a:secret@one:1,two:2/isocost", "postgresql://a:***@one:1,two:2/isocost"),
        ("postgresql://a:secret@[::1]:5432/isocost", "postgresql://a:***@[::1]:5432/isocost"),
        ("postgresql://db", "postgresql://db/"),
    ],
)
def test_address_is_shown_without_its_password(url, shown):
    address = PostgresAddress(url)
    assert str(address) == shown
    assert "secret" not in repr(address)
    assert "s%40cret" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:sec@ret@db/isocost",
        "postgresql://ada:sec/ret@db/isocost",
        "postgresql://ada:1234/ret@db/isocost",
        "postgresql://ada:sec#ret@db/isocost",
        "postgresql://ada:sec?ret@db/isocost",
        "postgresql://ada:sec:ret@db/isocost",
        "postgresql://ada:sec ret@db/isocost",
        "postgresql://db:secret/isocost",
        "postgresql+psycopg://ada:secret@db/isocost",
        "mysql://ada:secret@db/isocost",
        "secret",
        "",
    ],
)
def test_address_that_cannot_be_read_is_refused_without_repeating_it(url):
    with pytest.raises(InvalidInput, match="postgresql://USER:PASSWORD@HOST") as refused:
        PostgresAddress(url)
    assert not any(part in str(refused.value) for part in ("sec", "ret", "1234"))
