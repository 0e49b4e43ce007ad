"""Conversion constants: the only place where a bare 1000, 3600 or 2**30 may stand."""

from typing import Final

MS_PER_S: Final = 1_000
NS_PER_S: Final = 1_000_000_000
S_PER_MINUTE: Final = 60
S_PER_HOUR: Final = 3_600
S_PER_DAY: Final = 86_400
HOURS_PER_MONTH: Final = 730  # 365 × 24 / 12: how Azure and AWS price a month of disk by the hour
BYTES_PER_KIB: Final = 1024
BYTES_PER_MIB: Final = 1024**2
BYTES_PER_GIB: Final = 1024**3
BYTES_PER_GB: Final = 1_000_000_000
MIB_PER_GIB: Final = 1024
MBIT_PER_GBIT: Final = 1_000
PERCENT: Final = 100
MILLI_USD_PER_USD: Final = 1_000
