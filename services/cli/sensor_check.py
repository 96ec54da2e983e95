"""What `gengfu check` says about ready-made devices: whether every profile does what its samples say; who uses it."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.contract.errors import GengfuError
from gateway.decode.said import Said
from gateway.decode.samples import disproofs, replay
from gateway.site.model import Configs, SiteConfig
from gateway.site.profile import Profile

_SHOWN = 6
_NOTE = 48
"""Columns of a sample's note in the table."""


def print_sample_disproofs(configs: Configs, out: Console, *, zh: bool) -> int:
    """Name every profile that its own samples disprove, and what differs; returns how many."""
    wrong = {one.id: found for one in configs.profiles.values() if (found := _disproofs(one, zh=zh))}
    for name, lines in wrong.items():
        lead = f"型谱 {name} 与自己的样例不符" if zh else f"the profile {name} does not do what its samples say"
        out.print(f"  [red]✗[/] {escape(lead)}", soft_wrap=True)
        for line in lines:
            out.print(f"    {line}", markup=False, soft_wrap=True)
    return len(wrong)


def print_profiles_proven(configs: Configs, out: Console, *, zh: bool) -> None:
    """How many profiles were proven by how many samples."""
    if not configs.profiles:
        return
    count, samples = len(configs.profiles), sum(len(one.samples) for one in configs.profiles.values())
    words = (
        "{} 种设备型谱，{} 条样例都符合（--samples 显示每一条）"
        if zh
        else "{} device profiles, {} samples proven (--samples shows each)"
    )
    out.print(f"[green]✓[/] {words.format(count, samples)}")


def print_samples(configs: Configs, out: Console, *, zh: bool) -> None:
    """Every sample with what it becomes."""
    for profile in configs.profiles.values():
        name = profile.name if zh else profile.name_en
        out.print(f"\n{profile.id} · {name}", markup=False)
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
        headings = ("样例", "设备", "变成") if zh else ("Sample", "Device", "Becomes")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for number, (sample, said) in enumerate(zip(profile.samples, replay(profile), strict=True), start=1):
            note = sample.note[:_NOTE] + ("…" if len(sample.note) > _NOTE else "")
            rows = list(_rows(profile, said, zh=zh)) or [("", "不涉及测点" if zh else "nothing that concerns us")]
            for place, (device, becomes) in enumerate(rows):
                table.add_row(escape(f"{number} {note}") if place == 0 else "", escape(device), escape(becomes))
        out.print(table)


def print_sensors(config: SiteConfig, out: Console, *, zh: bool) -> None:
    """How many ready-made devices of which families a site has, and what of them is no point."""
    sensors = config.sensors
    name = config.site.name if zh else config.site.name_en or config.site.name
    words = "现成设备：{} 台，{} 个测点，{} 条总线" if zh else "ready-made devices: {}, points {}, Modbus lines {}"
    points = sum(len(one.points) for one in sensors.sensors)
    out.print(f"\n{name} · {words.format(len(sensors.sensors), points, len(sensors.buses))}", markup=False)
    families = Counter(one.profile for one in sensors.sensors)
    colon, comma = ("：", "、") if zh else (": ", ", ")
    listed = comma.join(f"{family}×{count}" if count > 1 else family for family, count in families.items())
    out.print(f"  · {'型谱' if zh else 'profiles'}{colon}{listed}", markup=False, soft_wrap=True)
    bare = [one.device for one in sensors.sensors if not one.points]
    idle = [one.id for one in sensors.buses if one.id not in {sensor.bus for sensor in sensors.sensors}]
    for zh_words, en_words, missing in (
        ("没有测点的设备（只看在线）", "devices without a point (only whether they are there)", bare),
        ("没有从站的总线", "lines without a slave", idle),
    ):
        if missing:
            text = ", ".join(missing[:_SHOWN]) + (f" … ({len(missing)})" if len(missing) > _SHOWN else "")
            out.print(f"  [yellow]⚠[/] {escape((zh_words if zh else en_words) + colon + text)}", soft_wrap=True)


def said_rows(profile: Profile, said: list[Said], *, zh: bool) -> list[str]:
    """What was said, a line for each: values with units, faults, refusals with their reason, the device's own state."""
    return [f"{device}  {becomes}".strip() for device, becomes in _rows(profile, said, zh=zh)]


def _disproofs(profile: Profile, *, zh: bool) -> list[str]:
    try:
        return disproofs(profile, zh=zh)
    except (GengfuError, ValueError) as error:
        return [f"{'无法回放' if zh else 'cannot be replayed'}: {getattr(error, 'message', error)}"]


def _rows(profile: Profile, said: list[Said], *, zh: bool) -> Iterator[tuple[str, str]]:
    units = {metric.name: "" if metric.unit == "1" else f" {metric.unit}" for metric in profile.metrics}
    for one in said:
        parts = [
            f"{value.metric} {value.value:g}{units.get(value.metric, '')}"
            + (f" ✗ {value.fault}" if value.fault else "")
            for value in one.values
        ]
        parts += [f"{key} {value}" for key, value in one.status.items()]
        parts += [f"{'拒收' if zh else 'refused'} {refused.place}: {refused.reason}" for refused in one.refused]
        yield one.name, " · ".join(parts)
