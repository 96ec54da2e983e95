import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from io import BytesIO
from threading import Barrier

import pytest

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Contract
from services.equipment import certificates, documents, service, store
from services.equipment.certificates import NewCertificate
from services.equipment.expiry import endings, lift_certificate_missing, stage_of
from services.equipment.tables import Certificate, Equipment
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid

TODAY = date(2026, 11, 22)


def office(*parts: str, types: str = "<x/>") -> bytes:
    """A zip file with parts of these names; `types`: its list of types, where it has one to show."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for part in parts:
            archive.writestr(part, types if part == "[Content_Types].xml" else "<x/>")
    return target.getvalue()


def test_a_renewal_ends_the_old_certificate(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        lift = service.by_eid(s, "hill", "lift-1")
        assert lift is not None
        old = certificates.add(s, "hill", lift, NewCertificate("elevator_inspection", TODAY, "A-1"), now, actor="eng")
        fresh = NewCertificate("elevator_inspection", TODAY + timedelta(days=365), "A-2", replaces=old.id)
        new = certificates.add(s, "hill", lift, fresh, now, actor="eng")
        assert old.ended_at == now
        assert service.expiring(s, "hill", TODAY + timedelta(days=400)) == [new]
        assert [one.id for one in certificates.of_equipment(s, lift.id)] == [new.id, old.id]
        with pytest.raises(Conflict, match="has ended already"):
            certificates.add(s, "hill", lift, fresh, now, actor="eng")
        with pytest.raises(Invalid, match="same kind and thing"):
            certificates.add(s, "hill", lift, NewCertificate("other", TODAY, replaces=new.id), now, actor="eng")
        certificates.end(s, new.id, now, actor="man", reason="电梯已拆除")
        assert service.expiring(s, "hill", TODAY + timedelta(days=400)) == []
        assert [one.data.get("ended", False) for one in store.history(s, lift.id)] == [True, False, False, False]


def test_a_certificate_of_nothing_needs_words_and_days_in_order(
    db: Database, config: SiteConfig, now: datetime
) -> None:
    with db.begin() as s:
        with pytest.raises(Invalid, match="whose"):
            certificates.add(s, "hill", None, NewCertificate("parking_licence", TODAY), now, actor="man")
        late = NewCertificate("parking_licence", TODAY, valid_from_on=TODAY + timedelta(days=1), subject="停车场")
        with pytest.raises(Invalid, match="ends before it begins"):
            certificates.add(s, "hill", None, late, now, actor="man")
        with pytest.raises(Invalid, match="control"):
            certificates.add(s, "hill", None, NewCertificate("other", TODAY, "1\x00", subject="x"), now, actor="man")


@pytest.mark.parametrize(
    ("days_left", "stage"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (1, 7), (0, 0), (-1, 0), (-400, 0)],
)
def test_the_nearest_warning_is_due(days_left: int, stage: int | None) -> None:
    assert stage_of("certificate", TODAY + timedelta(days=days_left), TODAY) == stage


@pytest.mark.parametrize(("days_left", "stage"), [(31, None), (30, 30), (0, 30), (-1, None)])
def test_the_end_of_a_warranty_is_told_a_month_before_and_not_afterwards(days_left: int, stage: int | None) -> None:
    assert stage_of("warranty", TODAY + timedelta(days=days_left), TODAY) == stage


def test_everything_with_an_end_is_watched_but_not_of_what_is_scrapped(now: datetime) -> None:
    def row(name: str, **values: object) -> Equipment:
        return Equipment(**{"id": name, "declared": True, "status": "in_use", **values})

    def paper(name: str, of: str | None, **values: object) -> Certificate:
        return Certificate(
            **{"id": name, "equipment_id": of, "kind": "other", "subject": "", "expires_on": TODAY, **values}
        )

    soon = TODAY + timedelta(days=20)
    rows = [
        row("a", warranty_until_on=soon, scrap_due_on=soon),
        row("b", status="scrapped", scrap_due_on=soon),
        row("c", declared=False, warranty_until_on=soon),
    ]
    papers = [paper("1", "a"), paper("2", "b"), paper("3", None, subject="停车场"), paper("4", "a", ended_at=now)]
    contracts = [
        Contract(id="lift", name="电梯维保", contractor="维保", scope="电梯", starts_on=date(2025, 1, 1), ends_on=soon),
        Contract(id="next", name="下一份", contractor="维保", scope="电梯", starts_on=date(2027, 1, 1), ends_on=soon),
    ]
    assert [(one.what, one.id, stage) for one, stage in endings(rows, papers, contracts, TODAY)] == [
        ("certificate", "1", 0), ("certificate", "3", 0), ("contract", "lift", 30), ("scrap", "a", 30),
        ("warranty", "a", 30),
    ]  # fmt: skip


def test_a_lift_is_without_a_certificate_only_when_it_had_one(now: datetime) -> None:
    expired = Certificate(id="1", expires_on=TODAY - timedelta(days=1))
    older = Certificate(id="0", expires_on=TODAY - timedelta(days=400), ended_at=now)
    valid = Certificate(id="2", expires_on=TODAY)
    assert lift_certificate_missing([], TODAY) is None
    assert lift_certificate_missing([older, expired], TODAY) is expired
    assert lift_certificate_missing([older, expired, valid], TODAY) is None
    valid.ended_at = now
    assert lift_certificate_missing([valid], TODAY) is valid, "ended without a successor is not valid"


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"%PDF-1.7 ...", "pdf"),
        (b"\xff\xd8\xff\xe0 jpeg", "jpg"),
        (b"\x89PNG\r\n\x1a\n...", "png"),
        ("使用说明".encode(), "txt"),
        (office("[Content_Types].xml", "word/document.xml"), "docx"),
        (office("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        (office("xl/workbook.xml"), ""),
        (office("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), ""),
        (office("[Content_Types].xml", "word/document.xml", "word/x.bin", types="vnd.ms-office.vbaProject"), ""),
        (office("evil.exe"), ""),
        (b"PK\x03\x04 not a zip", ""),
        (b"MZ\x90\x00 program", ""),
        (b"\xfe\xff\x00t", ""),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, suffix: str) -> None:
    assert documents.sort_of(content) == suffix


@pytest.mark.parametrize(
    ("name", "suffix", "kept"),
    [
        ("说明书.PDF", "pdf", "说明书.pdf"),
        ("../../etc/passwd", "txt", "passwd.txt"),
        ("C:\\x\\photo.jpeg", "jpg", "photo.jpg"),
        ("page.html", "txt", "page.html.txt"),
        ('a"b\r\nSet-Cookie: x.pdf', "pdf", "a_b_Set-Cookie_ x.pdf"),
        ("\u202efdp.exe", "pdf", "fdp.exe.pdf"),
        ("", "png", "file.png"),
    ],
)
def test_a_name_is_harmless_and_ends_as_the_content_says(name: str, suffix: str, kept: str) -> None:
    assert documents.safe_name(name, suffix) == kept


def test_a_document_is_kept_once(
    db: Database, config: SiteConfig, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        lift = service.by_eid(s, "hill", "lift-1")
        assert lift is not None
        first = documents.add(s, lift, "manual", "说明书.pdf", b"%PDF-1.7", now, actor="eng")
        assert documents.add(s, lift, "other", "again.pdf", b"%PDF-1.7", now, actor="eng") is first
        with pytest.raises(Invalid, match="none of"):
            documents.add(s, lift, "manual", "x.exe", b"MZ\x00", now, actor="eng")
        with pytest.raises(Invalid, match="bytes"):
            documents.add(s, lift, "manual", "big.pdf", b"%PDF-" + bytes(documents.MAX_BYTES), now, actor="eng")
        assert [one.name for one in documents.of_equipment(s, lift.id)] == ["说明书.pdf"]
        monkeypatch.setattr(documents, "MOST", 1)
        with pytest.raises(Conflict, match="1 documents already"):
            documents.add(s, lift, "manual", "more.pdf", b"%PDF-1.8", now, actor="eng")
        assert documents.with_documents(s, "hill") == {lift.id}


def test_a_certificate_is_renewed_once_however_many_try(db: Database, now: datetime) -> None:
    with db.begin() as s:
        old = certificates.add(s, "hill", None, NewCertificate("insurance", TODAY, subject="楼"), now, actor="a")
    new = NewCertificate("insurance", TODAY + timedelta(days=365), subject="楼", replaces=old.id)
    together = Barrier(3)

    def renew(_: int) -> bool:
        together.wait(10)
        try:
            with db.begin() as s:
                certificates.add(s, "hill", None, new, now, actor="b")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(renew, range(3))) == 1
