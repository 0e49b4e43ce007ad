"""What a command printed with --json, read."""

import json


def answer(told):
    """Return the object that a command printed, which has to have succeeded."""
    code, output = told
    assert code == 0, output.err
    return json.loads(output.out)
