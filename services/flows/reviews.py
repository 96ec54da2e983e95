"""Emergency repair reports: who is told that one is to be written or approved (ROU-33)."""

from datetime import datetime

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.flows.order_telling import tell
from services.notify.texts import Words
from services.work_order.tables import WorkOrder


def tell_due(session: Session, config: SiteConfig, order: WorkOrder, now: datetime) -> None:
    """An emergency repair was handed in: whoever did it writes the report."""
    words = Words(
        f"待写紧急维修报告：{order.title}\n工单 {order.number}，时间线已自动生成，请补充原因、效果和改进措施",
        f"Emergency repair report to write: {order.title}\nOrder {order.number}; the timeline is drafted",
    )
    tell(session, config, order, "review", words, now, usernames=order.executors)


def tell_written(session: Session, config: SiteConfig, order: WorkOrder, now: datetime) -> None:
    """A report waits for approval."""
    words = Words(
        f"待批准紧急维修报告：{order.title}\n工单 {order.number}",
        f"Emergency repair report to approve: {order.title}\nOrder {order.number}",
    )
    tell(session, config, order, "review", words, now, roles=("supervisor", "manager"))
