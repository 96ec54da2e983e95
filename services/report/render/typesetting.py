"""The typesetter: templates and data in, pages out. Independent of the machine's fonts; what is wrong is an error."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from services.report.render import fonts
from services.report.render.errors import FontMissing, RenderError

_PIXELS_PER_INCH = 180.0
_TIMEOUT_S = 120.0
"""A month of 2,000 devices takes 3 s."""


def pdf(template: str, data: dict[str, Any], files: dict[str, str], made_at: datetime) -> bytes:
    """One document; the same input gives the same bytes. Raises FontMissing, RenderError."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    options = {"pdf_tags": False, "timestamp": int(made_at.timestamp())}
    return _compile({"main.typ": template, "data.json": text, **files}, "pdf", options)[0]


def png(drawings: list[str]) -> list[bytes]:
    """Each SVG drawing as an image of its own. Raises FontMissing, RenderError."""
    if not drawings:
        return []
    names = [f"c{index}.svg" for index in range(len(drawings))]
    pages = "\n#pagebreak()\n".join(f'#image("{name}")' for name in names)
    source = f"#set page(width: auto, height: auto, margin: 0pt)\n{pages}"
    return _compile({"main.typ": source, **dict(zip(names, drawings, strict=True))}, "png", {"ppi": _PIXELS_PER_INCH})


def _compile(files: dict[str, str], kind: Literal["pdf", "png"], options: dict[str, Any]) -> list[bytes]:
    fonts.drawn()
    asked = {"files": files, "kind": kind, "fonts": str(fonts.folder()), "options": options}
    command = [sys.executable, "-I", str(Path(__file__).with_name("press.py"))]
    try:
        done = subprocess.run(  # noqa: S603 - our own program with arguments of our own
            command, input=json.dumps(asked).encode(), capture_output=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RenderError(f"The typesetter did not finish: {error}", hint="Is there memory left? Try again") from error
    head, _, pages = done.stdout.partition(b"\n")
    said = json.loads(head)
    if "error" in said:
        raise RenderError(f"The typesetter refused the report: {said['error']}", hint="Tell it to who maintains it")
    for warning in said["warnings"]:
        if "unknown font family" in warning:
            raise FontMissing(f"The typesetter says: {warning}", hint=fonts.HINT)
    made, at = [], 0
    for size in said["sizes"]:
        made.append(pages[at : at + size])
        at += size
    return made
