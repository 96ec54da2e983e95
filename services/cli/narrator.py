"""What is happening now, in plain words, read from the histories."""

from datetime import datetime, tzinfo

from sqlalchemy import func, select

from services.alert.tables import Alert, AlertEvent
from services.kernel.db import Database
from services.people.tables import User
from services.work_order.tables import WorkOrder, WorkOrderEvent

_ALERT_ZH = {
    "activated": "报警",
    "cleared": "恢复正常",
    "acknowledged": "已确认",
    "shelved": "已搁置",
    "unshelved": "结束搁置",
    "severity_changed": "级别变化",
    "suppressed": "维护中，已屏蔽",
    "unsuppressed": "结束屏蔽",
    "reset": "已复位",
    "withdrawn": "已撤销",
}
_ALERT_EN = {
    "activated": "Alert",
    "cleared": "Back to normal",
    "acknowledged": "Acknowledged",
    "shelved": "Shelved",
    "unshelved": "No longer shelved",
    "severity_changed": "Severity changed",
    "suppressed": "Hidden by maintenance",
    "unsuppressed": "Shown again",
    "reset": "Reset",
    "withdrawn": "Withdrawn",
}
_ORDER_ZH = {
    "reported": "工单生成",
    "accepted": "工单受理",
    "dispatched": "工单派工",
    "started": "工单开始实施",
    "submitted": "工单提交验收",
    "verified": "工单验收通过",
    "rated": "工单评价完成",
    "cancelled": "工单取消",
    "on_hold": "工单挂起",
    "escalated": "工单升级",
    "overdue_noted": "工单超时",
}
_ORDER_EN = {
    "reported": "Work order made",
    "accepted": "Work order accepted",
    "dispatched": "Work order dispatched",
    "started": "Work started",
    "submitted": "Work submitted",
    "verified": "Work verified",
    "rated": "Work rated",
    "cancelled": "Work order cancelled",
    "on_hold": "Work order on hold",
    "escalated": "Work order escalated",
    "overdue_noted": "Work order overdue",
}


class Narrator:
    """Tells what is new since it was last asked."""

    def __init__(self, db: Database, zone: tzinfo, *, english: bool) -> None:
        self._db = db
        self._zone = zone
        self._english = english
        with db.read() as session:
            self._alert_event = session.scalar(select(func.max(AlertEvent.id))) or ""
            self._order_event = session.scalar(select(func.max(WorkOrderEvent.id))) or ""

    def news(self) -> list[str]:
        """New lines, oldest first."""
        lines: list[tuple[datetime, str]] = []
        with self._db.read() as session:
            alert_rows = session.execute(
                select(AlertEvent, Alert)
                .join(Alert, Alert.id == AlertEvent.alert_id)
                .where(AlertEvent.id > self._alert_event)
                .order_by(AlertEvent.id)
            )
            for event, alert in alert_rows:
                self._alert_event = event.id
                said = self._alert_line(event, alert)
                if said:
                    lines.append((event.at, said))
            order_rows = session.execute(
                select(WorkOrderEvent, WorkOrder, User.display_name)
                .join(WorkOrder, WorkOrder.id == WorkOrderEvent.work_order_id)
                .outerjoin(User, User.username == WorkOrder.assignee)
                .where(WorkOrderEvent.id > self._order_event)
                .order_by(WorkOrderEvent.id)
            )
            for order_event, order, assignee in order_rows:
                self._order_event = order_event.id
                words = (_ORDER_EN if self._english else _ORDER_ZH).get(order_event.kind)
                if words:
                    somebody = assignee or order.assignee or order.assignee_role
                    to = f" → {somebody}" if order_event.kind == "dispatched" else ""
                    lines.append((order_event.at, f"{words} {order.number}{to}"))
        lines.sort(key=lambda line: line[0])
        return [f"{at.astimezone(self._zone):%H:%M:%S}  {text}" for at, text in lines]

    def _alert_line(self, event: AlertEvent, alert: Alert) -> str:
        words = (_ALERT_EN if self._english else _ALERT_ZH).get(event.kind)
        if words is None:
            return ""
        title = alert.title_en if self._english and alert.title_en else alert.title
        value = event.data.get("value")
        figures = ""
        if isinstance(value, float) and alert.unit:
            limit = f" ({'limit' if self._english else '限值'} {alert.limit_text})" if alert.limit_text else ""
            figures = f"  {value:.3g} {alert.unit}{limit}"
        who = f" · {event.actor}" if event.actor != "system" else ""
        return f"{words}  {title}{figures}{who}"
