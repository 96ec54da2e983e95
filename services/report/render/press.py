"""The typesetter's own process, run as a file: pages in, bytes out, and its memory goes with it.

Its library keeps what it laid out for the next run, 200 MB for a month of 2,000 devices: too much for a server.
In: one JSON object {files, kind, fonts, options}. Out: one line of JSON {sizes, warnings} or {error}, then the pages.
"""

import json
import sys
from typing import Any

import typst


def main() -> int:
    """Compile what standard input asks for."""
    asked: dict[str, Any] = json.load(sys.stdin.buffer)
    sources = {name: text.encode() for name, text in asked["files"].items()}
    pages: list[bytes] = []
    try:
        made, warnings = typst.compile_with_warnings(
            sources, format=asked["kind"], font_paths=[asked["fonts"]], ignore_system_fonts=True, **asked["options"]
        )
        pages = [one for one in (made if isinstance(made, list) else [made]) if one is not None]
        said: dict[str, Any] = {"sizes": [len(one) for one in pages], "warnings": [one.message for one in warnings]}
    except (typst.TypstError, RuntimeError) as error:
        said = {"error": str(error)}
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + b"".join(pages))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
