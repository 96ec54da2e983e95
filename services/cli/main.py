"""Every command of `gengfu`."""

from services.cli import (
    accounts,
    demo,
    fire,
    grafana,
    health,
    influx,
    init,
    limits,
    migrate,
    processes,
    readers,
    sessions,
    simulate,
    site,
    tags,
)
from services.cli.frame import new_app, run

app = new_app()
app.command("demo")(demo.demo)
app.command("up")(demo.up)
app.command("init")(init.init)
app.command("check")(site.check)
app.command("limits")(limits.show)
app.command("health")(health.health)
app.add_typer(influx.app, name="influx")
app.add_typer(accounts.app, name="account")
app.add_typer(tags.app, name="tag")
app.add_typer(readers.app, name="reader")
app.add_typer(fire.app, name="fire")
app.add_typer(grafana.app, name="grafana")
app.add_typer(migrate.app, name="migrate")
app.add_typer(sessions.app, name="sessions")
app.add_typer(simulate.app, name="simulate")
processes.register(app)


def main() -> None:
    """Run one of them."""
    run(app)
