"""Site files for measurements: as many devices and points as asked for, each point under NUM-01."""

from pathlib import Path

SITE = "bench"


def write_site(root: Path, devices: int, points: int, name: str = SITE) -> Path:
    """Write a site into a device_configs directory; returns that. Point `d0-alarm` has no delays, for latency."""
    (root / "limits").mkdir(parents=True, exist_ok=True)
    (root / "policies").mkdir(exist_ok=True)
    site = root / "sites" / name
    site.mkdir(parents=True)
    shipped = Path(__file__).resolve().parent.parent / "device_configs"
    for file in ("limits/documented.yaml", "policies/default.yaml"):
        (root / file).write_text((shipped / file).read_text("utf-8"), "utf-8")
    (site / "site.yaml").write_text(f"id: {name}\nname: bench\ntimezone: Asia/Shanghai\n", "utf-8")
    (site / "areas.yaml").write_text("areas:\n  - {id: room, name: room, kind: pump_room}\n", "utf-8")
    (site / "equipment.yaml").write_text(
        "equipment:\n  - {id: set, name: set, kind: pump_set, area: room}\n"
        "  - {id: box, name: box, kind: distribution_box, area: room}\n",
        "utf-8",
    )
    roles = ("engineer", "supervisor", "manager", "duty", "admin")
    people = "".join(f"  - {{username: {role}, name: {role}, role: {role}}}\n" for role in roles)
    (site / "people.yaml").write_text(f"people:\n{people}", "utf-8")
    (site / "channels.yaml").write_text("channels:\n  - {name: console, kind: console}\n", "utf-8")
    lines = ["devices:"]
    lines += [f"  - {{id: d{d}, name: d{d}, area: room, kind: plc}}" for d in range(devices)]
    lines.append("points:")
    for d in range(devices):
        lines += [
            f"  - {{id: d{d}-p{p}, device: d{d}, equipment: set, name: p{p}, quantity: pressure, unit: MPa, "
            "set_value: 0.45, interval: 2s, stale_after: 10min, valid_min: 0, valid_max: 1.6}"
            for p in range(points)
        ]
    lines.append(
        "  - {id: d0-alarm, device: d0, equipment: box, name: alarm, quantity: insulation, unit: MΩ, "
        "interval: none, valid_min: 0}"
    )
    (site / "devices.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    return root
