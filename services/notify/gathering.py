"""Merging: what a channel has no room for, or what may wait, goes out as one message. Nothing is dropped."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.ids import new_id
from services.notify.model import Channel, Reason, rank
from services.notify.tables import IN_FLIGHT, Message
from services.notify.texts import digest_text


def crowded(waiting: Sequence[Message], tokens: int) -> bool:
    """Several digest members are due, or the channel has no room for all that wait."""
    mergeable = [one for one in waiting if _mergeable(one)]
    return sum(one.decision == "digest" for one in mergeable) > 1 or (tokens <= 1 and len(mergeable) > 1)


def gather(
    session: Session, site: str, channel: Channel, waiting: Sequence[Message], tokens: int, now: datetime
) -> list[Message]:
    """Merge due digest members, and what the channel has no room for, into one message; returns what to send."""
    if not crowded(waiting, tokens):
        return list(waiting)
    # The last place of the minute goes to a digest of all that wait, so that nobody waits for the next minute.
    members = [one for one in waiting if _mergeable(one) and (tokens <= 1 or one.decision == "digest")]
    merged = {one.id for one in members}
    digest = _digest(session, site, channel, members, now)
    rest = [one for one in waiting if one.id not in merged and one is not digest]
    return sorted([*rest, digest], key=lambda one: (-rank(one.severity), one.created_at, one.id))


def _mergeable(message: Message) -> bool:
    """Never life safety, a digest itself, or a message that may have arrived already."""
    return message.severity != "critical" and message.kind != "digest" and message.attempts == 0


def _digest(session: Session, site: str, channel: Channel, members: Sequence[Message], now: datetime) -> Message:
    digest = session.scalar(
        select(Message).where(
            Message.site == site,
            Message.channel == channel.name,
            Message.recipient == members[0].recipient,
            Message.kind == "digest",
            IN_FLIGHT,
            Message.status == "pending",
            Message.attempts == 0,
        )
    )
    if digest is None:
        name = new_id()
        digest = Message(
            id=name,
            idem_key=f"digest:{name}@{channel.name}",
            site=site,
            recipient=channel.name,
            recipient_role="",
            channel=channel.name,
            kind="digest",
            subject_kind="digest",
            subject_id=name,
            occurrence=0,
            severity="low",
            text="",
            text_en="",
            mobiles=[],
            decision="send",
            reason=Reason.DIGEST.value,
            status="pending",
            attempts=0,
            failures=0,
            next_at=now,
            created_at=now,
        )
        session.add(digest)
        session.flush()
    for member in members:
        member.status, member.merged_into, member.next_at = "merged", digest.id, None
    session.flush()
    everyone = list(
        session.scalars(
            select(Message).where(Message.merged_into == digest.id).order_by(Message.created_at, Message.id)
        )
    )
    words = digest_text([(one.severity, one.text, one.text_en) for one in everyone])
    digest.text, digest.text_en = words.zh, words.en
    digest.severity = max((one.severity for one in everyone), key=rank)
    digest.mobiles = sorted({mobile for one in everyone for mobile in one.mobiles})
    return digest
