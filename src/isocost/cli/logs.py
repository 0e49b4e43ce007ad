"""What long-running commands log: on stderr, one event a line."""

import logging


def write_log() -> None:
    """Write what Isocost's own loggers say to stderr, from information upward."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger("isocost")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
