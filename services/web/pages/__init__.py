"""Pages and their fragments: one file per page or group of pages."""

from services.web.pages import alert, console, orders, people, session, system

routers = (session.router, console.router, alert.router, orders.router, system.router, people.router)
