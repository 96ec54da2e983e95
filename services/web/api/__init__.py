"""The JSON API under /api/v1: one file per slice."""

from services.web.api import alerts, fire, fire_upkeep, handover, patrol, phone, points, sun, system, work_orders

routers = (
    alerts.router,
    work_orders.router,
    points.router,
    system.router,
    phone.router,
    patrol.router,
    handover.router,
    fire.router,
    fire_upkeep.router,
    sun.router,
    sun.pages,
)
