"""Pages and their fragments: one file per page or group of pages."""

from services.web.pages import (
    alert,
    console,
    handover,
    orders,
    patrol,
    patrol_reports,
    people,
    phone,
    requirements,
    session,
    system,
)

routers = (
    phone.router,
    session.router,
    console.router,
    alert.router,
    orders.router,
    patrol_reports.router,
    patrol.router,
    handover.router,
    requirements.router,
    system.router,
    people.router,
)
