"""What a test needs from the machine."""

import os

import pytest


def require(condition: object, reason: str) -> None:
    """Skip when something is missing, or fail where skipping is not allowed (GENGFU_NO_SKIP=1)."""
    if condition:
        return
    if os.environ.get("GENGFU_NO_SKIP") == "1":
        pytest.fail(f"required, but GENGFU_NO_SKIP=1: {reason}")
    pytest.skip(reason)
