"""The deployment directory on disk: read it, and bring it to what a plan says, each file whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from services.kernel.errors import SettingsError

MANIFEST: Final = ".made-by-gengfu-init.json"
"""What init has written, by hash: a file that differs was changed by a person."""
_DIRECTORY_MODE: Final = 0o750
_FILE_MODE: Final = 0o640


class Owner(NamedTuple):
    """Whom the files belong to."""

    uid: int
    gid: int


def digest(content: bytes) -> str:
    """What the manifest keeps of a file."""
    return hashlib.sha256(content).hexdigest()


def read(directory: Path) -> dict[str, bytes]:
    """Every file below, by its path; raises SettingsError when the directory is for somebody or something else."""
    if not directory.exists():
        return {}
    closed = [
        one for one in (directory, *directory.rglob("*")) if one.is_dir() and not os.access(one, os.R_OK | os.W_OK)
    ]
    if closed:
        raise SettingsError(
            f"{closed[0]} belongs to somebody else: it cannot be read and written",
            hint="Run `gengfu init` as the user who made it, or with sudo",
        )
    links = [one for one in directory.rglob("*") if one.is_symlink()]
    if links:
        raise SettingsError(
            f"{links[0]} is a symbolic link: init would change whom its target belongs to",
            hint="Put a copy of the file in its place",
        )
    found = {path.relative_to(directory).as_posix(): path.read_bytes() for path in _files(directory)}
    if found and MANIFEST not in found:
        raise SettingsError(
            f"{directory} holds files that `gengfu init` has not made ({next(iter(sorted(found)))} …)",
            hint="Choose another directory with --dir, or empty this one",
        )
    return found


def manifest_in(found: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Hashes by path of what init has written; more than one where a write was cut short."""
    text = found.get(MANIFEST)
    return json.loads(text) if text else {}


def manifest(hashes: Mapping[str, list[str]]) -> bytes:
    """Its file."""
    return (json.dumps(hashes, indent=1, sort_keys=True) + "\n").encode()


def write(directory: Path, name: str, content: bytes, owner: Owner, mode: int = _FILE_MODE) -> None:
    """Put one file of the deployment in place, and the directories to it."""
    target = directory / name
    _make_directory(target.parent, directory, owner)
    put(target, content, owner, mode)


def put(target: Path, content: bytes, owner: Owner, mode: int) -> None:
    """Write a file atomically, with its mode whatever the umask."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".gengfu-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            _give(file.fileno(), owner)
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove(directory: Path, name: str) -> None:
    """Take one file away."""
    (directory / name).unlink(missing_ok=True)


def tighten(directory: Path, name: str, owner: Owner, mode: int = _FILE_MODE) -> None:
    """Bring mode and owner of a file that stays to what they must be."""
    path = directory / name
    _make_directory(path.parent, directory, owner)
    path.chmod(mode)
    _give(path, owner)


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.name.startswith(".gengfu-"):
            yield path


def _make_directory(path: Path, top: Path, owner: Owner) -> None:
    missing = [one for one in (path, *path.parents) if one.is_relative_to(top) and not one.exists()]
    for one in reversed(missing):
        one.mkdir(parents=one == top, mode=_DIRECTORY_MODE)
    for one in (path, *path.parents):
        if one.is_relative_to(top):
            one.chmod(_DIRECTORY_MODE)
            _give(one, owner)


def _give(what: Path | int, owner: Owner) -> None:
    there = os.stat(what)
    if (there.st_uid, there.st_gid) != owner:
        os.chown(what, *owner)
