"""The JSON API under /api/v1: one file per slice."""

from services.web.api import (
    alerts,
    equipment,
    fire,
    fire_upkeep,
    handover,
    maintenance,
    patrol,
    phone,
    points,
    reports,
    sun,
    system,
    work_orders,
    work_orders_sheet,
)

routers = (
    alerts.router,
    work_orders.router,
    work_orders_sheet.router,
    points.router,
    system.router,
    phone.router,
    patrol.router,
    handover.router,
    maintenance.router,
    fire.router,
    equipment.router,
    fire_upkeep.router,
    reports.router,
    sun.router,
    sun.pages,
)
