"""Addresses of Grafana's boards as pages of the console link to them; without a Grafana there are none."""

from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from gateway.contract.times import to_ms
from gateway.site.model import Configs
from services.alert.tables import Alert

SITE, PUMP_ROOM, FIRE, PATROL = "gengfu-site", "gengfu-pump-room", "gengfu-fire", "gengfu-patrol"
AROUND = timedelta(hours=1)
"""What is shown before and after an alert."""
_FAMILIES = {"FIRE-": FIRE, "PATROL-": PATROL}


def url(base: str, uid: str, site: str = "", **more: str) -> str:
    """A board with these choices of its variables and this range (`since`, `until`); empty without a Grafana."""
    if not base:
        return ""
    names = {"since": "from", "until": "to"}
    query = {"var-site": site, **{names.get(name, f"var-{name}"): value for name, value in more.items()}}
    chosen = urlencode({name: value for name, value in query.items() if value}, quote_via=quote)
    return f"{base.rstrip('/')}/d/{uid}" + (f"?{chosen}" if chosen else "")


def of_point(base: str, configs: Configs, key: str, **more: str) -> str:
    """The pump-room board with one point; empty for a point that is only measured by hand."""
    site, _, point_id = key.partition("/")
    config = configs.sites.get(site)
    point = config.point_by_id.get(point_id) if config is not None else None
    if config is None or point is None or point.interval is None:
        return ""
    variable = "pump" if point.quantity == "run_state" else "point"
    return url(base, PUMP_ROOM, site, area=config.area_of(point).id, **{variable: point_id}, **more)


def of_alert(base: str, configs: Configs, alert: Alert, now: datetime) -> str:
    """The board of what an alert is about, around its time."""
    over_at = now if alert.active else alert.cleared_at or alert.closed_at or now
    until = "now" if over_at + AROUND >= now else str(to_ms(over_at + AROUND))
    span = {"since": str(to_ms(alert.opened_at - AROUND)), "until": until}
    found = of_point(base, configs, alert.target, **span)
    uid = next((board for start, board in _FAMILIES.items() if alert.rule.startswith(start)), SITE)
    return found or url(base, uid, alert.site, **span)
