"""The JSON API under /api/v1: one file per slice."""

from services.web.api import alerts, points, system, work_orders

routers = (alerts.router, work_orders.router, points.router, system.router)
