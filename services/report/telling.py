"""Telling the signers: a report waits for somebody's signature, or could not be made."""

from datetime import datetime

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.flows import telling
from services.notify import service as notify
from services.notify.model import Notice
from services.report import signing
from services.report.model import ReportKind, Signer, Slot
from services.report.tables import ReportSnapshot

MADE, WAITS, SIGNED = "report.made", "report.waits", "report.signed"
FAILED_RULE = "SYS-REPORT"
TITLES: dict[str, tuple[str, str]] = {
    "facilities": ("设备设施巡检月报", "Monthly facilities report"),
    "fire": ("消防设施月检报告", "Monthly fire report"),
}


def tell_waits(session: Session, config: SiteConfig, row: ReportSnapshot, now: datetime) -> None:
    """Whoever signs next hears of it, with a link; called in the transaction that made or signed the version."""
    slot = signing.next_slot(signing.signatures(session, row.id))
    if slot is None:
        _tell(session, config, row, SIGNED, frozenset(one.username for one in _asked(config, row)), slot, now)
        return
    asked = frozenset(one.username for one in _asked(config, row) if one.slot == slot)
    _tell(session, config, row, MADE if slot == signing.ORDER[0] else WAITS, asked, slot, now)


def _asked(config: SiteConfig, row: ReportSnapshot) -> list[Signer]:
    kind: ReportKind = "fire" if row.kind == "fire" else "facilities"
    return [one for one in signing.signers(config, kind) if one.username]


def _tell(
    session: Session,
    config: SiteConfig,
    row: ReportSnapshot,
    kind: str,
    usernames: frozenset[str],
    slot: Slot | None,
    now: datetime,
) -> None:
    zh, en = TITLES[row.kind]
    month = f"{row.month_on:%Y-%m}"
    # Nobody of that name at the site: the level's role hears of it.
    roles = frozenset({str(signing.ROLE_OF[slot])}) if slot is not None and not usernames else frozenset()
    link = f"{config.site.console_url}/reports/{row.id}" if config.site.console_url else ""
    if slot is None:
        text = f"【月报已签】{config.site.name} {month} {zh} {row.number} 已批准并锁定"
        text_en = f"[REPORT SIGNED] {_name_en(config)} {month}, {en} {row.number} is approved and locked"
    else:
        words, words_en = signing.SLOT_WORDS[slot]
        text = f"【月报待签】{config.site.name} {month} {zh} {row.number} 请{words}签名"
        text_en = f"[REPORT TO SIGN] {_name_en(config)} {month}, {en} {row.number}: please sign «{words_en}»"
    notice = Notice(
        key=f"report:{row.id}:{slot or 'signed'}",
        kind=kind,
        site=row.site,
        subject_kind="system",
        subject_id=row.id,
        severity="medium",
        text="\n".join(line for line in (text, link) if line),
        text_en="\n".join(line for line in (text_en, link) if line),
        # Each signature is news of its own, however soon it follows the one before.
        occurrence=signing.ORDER.index(slot) + 1 if slot is not None else len(signing.ORDER) + 1,
        roles=roles,
        usernames=usernames,
    )
    notify.announce(session, notice, telling.recipients(config), telling.channels(config), now)


def _name_en(config: SiteConfig) -> str:
    return config.site.name_en or config.site.name


def raise_failed(session: Session, config: SiteConfig, error: str, now: datetime) -> None:
    """A month's report could not be made on its own; it is tried again."""
    policy = config.policy_by_id.get("system") or next(iter(config.policies), None)
    title = f"月报未能自动生成，系统会继续重试：{error[:200]}"
    title_en = f"The monthly report could not be made, it is tried again: {error[:200]}"
    activation = alerts.Activation(
        site=config.site.id,
        rule=FAILED_RULE,
        target=f"{config.site.id}/reports",
        title=title,
        title_en=title_en,
        severity="high",
        event_at=now,
        source="Gengfu",
        requirement=FAILED_RULE,
        policy=policy.model_dump(mode="json") if policy is not None else {},
        detail={"error": error[:1000]},
    )
    raised = telling.raise_and_tell(session, config, activation, now)
    if raised.outcome == "unchanged":
        raised.alert.title, raised.alert.title_en = title, title_en


def clear_failed(session: Session, config: SiteConfig, now: datetime) -> None:
    """Every month that was due is made."""
    telling.clear_and_tell(session, config, FAILED_RULE, f"{config.site.id}/reports", now, now)
