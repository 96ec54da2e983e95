"""Pages and their fragments: one file per page or group of pages."""

from services.web.pages import (
    alert,
    console,
    fire,
    fire_commands,
    fire_incident,
    fire_log,
    fire_upkeep,
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
    fire_log.router,
    fire_upkeep.router,
    fire_commands.router,
    fire_incident.router,
    fire.router,
    requirements.router,
    system.router,
    people.router,
)
