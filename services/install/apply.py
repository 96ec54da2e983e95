"""Carries a plan out: writes what is new or changed, and remembers by hash what init has written."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.install import files
from services.install.files import Owner
from services.install.plan import Step


def apply(directory: Path, todo: Sequence[Step], written: Mapping[str, Sequence[str]], owner: Owner) -> None:
    """Bring the directory to the plan. Cut short and run again, it goes on: what it meant to write is noted first."""
    hashes = {name: list(known) for name, known in written.items()}
    for step in todo:
        if step.planned is not None and step.change in ("new", "changed"):
            hashes[step.name] = [*hashes.get(step.name, []), files.digest(step.planned.content)]
    files.write(directory, files.MANIFEST, files.manifest(hashes), owner)
    for step in todo:
        if step.planned is None:
            files.remove(directory, step.name)
            hashes.pop(step.name, None)
        elif step.change in ("new", "changed"):
            files.write(directory, step.name, step.planned.content, owner, step.planned.mode)
            hashes[step.name] = [files.digest(step.planned.content)]
        else:
            files.tighten(directory, step.name, owner, step.planned.mode)
            if step.change == "same":
                hashes[step.name] = [files.digest(step.planned.content)]
    files.write(directory, files.MANIFEST, files.manifest(hashes), owner)
