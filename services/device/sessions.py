"""The broker's memory of us, checked against ours."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.device.tables import BrokerSession

_COUNTER = "$dropped"


def note_session(session: Session, client_id: str, broker: str, now: datetime) -> bool:
    """Note that the broker knows no session of `client_id`; True when it should have known one."""
    row = session.get(BrokerSession, client_id)
    if row is None or row.broker != broker:
        session.merge(BrokerSession(client_id=client_id, broker=broker, since=now, lost=0, dropped=0))
        return False
    row.lost += 1
    row.since = now
    return True


def note_dropped(session: Session, broker: str, total: int, now: datetime) -> int:
    """Note the broker's drop counter; returns by how much it rose (a smaller total means the broker restarted)."""
    row = session.get(BrokerSession, f"{_COUNTER}:{broker}")
    if row is None:
        session.add(BrokerSession(client_id=f"{_COUNTER}:{broker}", broker=broker, since=now, lost=0, dropped=total))
        return 0
    rise = total - row.dropped if total >= row.dropped else total
    row.dropped = total
    return rise
