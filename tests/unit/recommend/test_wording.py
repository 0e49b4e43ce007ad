"""Amounts in sentences: as many digits as other places show, more only to tell two apart."""

import pytest

from isocost.recommend.wording import told_apart, told_usd, usd_digits


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0.00"), (0.7, "0.700"), (0.0123, "0.0123"), (-0.5, "-0.500"), (1234.5, "1,234.50")],
)
def test_money_keeps_its_digits_whether_they_are_zeros_or_not(value, said):
    assert (usd_digits(value), told_usd(value)) == (said, f"{said} USD")


def test_different_amounts_never_read_the_same():
    assert told_apart(1.796624, 1.654796) == ("1.80 USD", "1.65 USD")
    assert told_apart(1.6512, 1.6543) == ("1.651 USD", "1.654 USD")
    assert told_apart(2.0, 2.0) == ("2.00 USD", "2.00 USD")
