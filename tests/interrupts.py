"""What a command is started with where a test interrupts it."""

import signal


def heeding_interrupts():
    """Have the command heed Ctrl-C, which what a shell runs in its background does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
