from pathlib import Path
from zipfile import ZipFile

import pytest
from report_snapshots import small

from services.kernel.errors import SettingsError
from services.report.files import render
from services.report.render import template


def test_a_sites_own_word_template_is_used(tmp_path: Path) -> None:
    own = tmp_path / "own.docx"
    own.write_bytes(template.shipped())
    shipped = render(small(), "docx")
    with ZipFile(own) as archive:
        names = {name: archive.read(name) for name in archive.namelist()}
    body = "word/document.xml"
    names[body] = names[body].replace(b"{{ title }}", "本公司专用 {{ title }}".encode())
    with ZipFile(own, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    made = tmp_path / "made.docx"
    made.write_bytes(render(small(), "docx", template=own))
    with ZipFile(made) as archive:
        text = archive.read(body).decode()
    assert "本公司专用" in text
    assert made.read_bytes() != shipped


def test_a_template_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        render(small(), "docx", template=tmp_path / "none.docx")
