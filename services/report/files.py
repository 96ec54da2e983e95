"""A report as files: which formats there are, and what they are called."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Literal, get_args

from services.kernel.errors import SettingsError
from services.report.model import SLOTS, Snapshot
from services.report.render.edition import PLAIN, Edition, Signature
from services.report.tables import ReportSignature, ReportSnapshot
from services.report.wording import report_title

Format = Literal["pdf", "docx", "xlsx", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA: Mapping[Format, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
}


def edition_of(
    row: ReportSnapshot, signatures: Iterable[ReportSignature], *, names: bool = False, language: str = "zh"
) -> Edition:
    """How a frozen version is printed: with its hash and the signatures it has. `names`: personal data as it is."""
    given = tuple(
        Signature(slot, one.name, one.at, one.comment) for one in signatures for slot in SLOTS if slot == one.slot
    )
    return Edition(language, names, row.sha256, given)


def render(snapshot: Snapshot, kind: Format, edition: Edition = PLAIN, template: Path | None = None) -> bytes:
    """A snapshot as a file; the same snapshot, edition and Word template give the same bytes."""
    # Imported when asked for: the libraries behind them are heavy, and most processes never write a file.
    renderer: Callable[..., bytes | str] = import_module(f"services.report.render.{kind}").render
    own = {"template": _read(template)} if kind == "docx" and template is not None else {}
    made = renderer(snapshot, edition, **own)
    return made.encode() if isinstance(made, str) else made


def _read(template: Path) -> bytes:
    try:
        return template.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The Word template {template} cannot be read: {error.strerror}", hint="See GENGFU_REPORT_TEMPLATE"
        ) from error


def file_name(snapshot: Snapshot, kind: Format) -> str:
    """`XJ-202610-yunhe-1_设备设施巡检月报_2026-10.pdf`; a draft says so."""
    meta = snapshot.meta
    number = meta.number if meta.version else f"{meta.number.rpartition('-')[0]}-草稿"
    return f"{number}_{report_title(meta.kind)}_{meta.month}.{kind}"
