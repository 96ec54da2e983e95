"""What the tests with a browser share."""

from browser import chrome

__all__ = ["chrome"]
