"""How far a copy of the time series is, in a small file beside the source."""

import json
import os
from pathlib import Path


class Mark:
    """Per table the time before which everything is copied; belongs to one target."""

    def __init__(self, path: Path, target: str) -> None:
        """A file that is damaged or speaks of another target counts as none."""
        self._path = path
        self._target = target
        self._before: dict[str, int] = {}
        try:
            stored = json.loads(path.read_text())
            if stored["target"] == target:
                self._before = {str(name): int(at_ms) for name, at_ms in stored["before"].items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            self._before = {}

    def before(self, table: str) -> int:
        """Everything before this moment is copied."""
        return self._before.get(table, 0)

    def set(self, table: str, at_ms: int) -> None:
        """Note it, durably."""
        self._before[table] = at_ms
        aside = self._path.with_name(f"{self._path.name}.new")
        with aside.open("w") as file:
            json.dump({"target": self._target, "before": self._before}, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

    def forget(self) -> None:
        """Begin again."""
        self._before = {}
        self._path.unlink(missing_ok=True)
