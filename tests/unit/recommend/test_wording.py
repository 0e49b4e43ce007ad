"""Amounts in sentences: as many digits as other places show, more only to tell two apart."""

import pytest

from isocost.recommend.wording import told_apart, told_usd


@pytest.mark.parametrize(
    ("usd", "told"), [(1.796624, "1.80 USD"), (0.0012, "0.0012 USD"), (1234.5, "1,234.50 USD")]
)
def test_amount_has_cents_or_three_digits(usd, told):
    assert told_usd(usd) == told


def test_different_amounts_never_read_the_same():
    assert told_apart(1.796624, 1.654796) == ("1.80 USD", "1.65 USD")
    assert told_apart(1.6512, 1.6543) == ("1.651 USD", "1.654 USD")
    assert told_apart(2.0, 2.0) == ("2.00 USD", "2.00 USD")
