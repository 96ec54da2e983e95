"""A month of 2,000 devices as pdf, docx, xlsx and html: seconds and peak memory, against a CSV dump of the same cells.

    python -m benchmarks.report [--devices N] [--runs N]

The snapshot is synthetic: a ledger with a row per device, 900 work orders, 31 days of rounds as heat map, a pressure
curve of 744 hours, 20 key figures. Each format is rendered in a process of its own, cold; memory is that process's peak
and its typesetter's. The baseline is the `csv` module writing the same raw cells in the same run.
"""

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

from services.report.model import (
    Chart,
    Column,
    FigureList,
    Meta,
    Ref,
    Section,
    Series,
    Signer,
    Snapshot,
    Table,
    Target,
    ratio,
)

FORMATS = ("pdf", "docx", "xlsx", "html")
SINCE = datetime(2026, 9, 30, 16, tzinfo=UTC)
ORDERS, ROUTES, HOURS, FIGURES = 900, 40, 744, 20
AIM_S, AIM_MB = 10.0, 500.0


def snapshot(devices: int) -> Snapshot:
    """A month, the same for the same number of devices."""
    random = Random(devices)
    figures = tuple(
        ratio(
            f"figure.f{index}",
            f"指标{index}",
            f"Figure {index}",
            (Ref(kind="round", id=str(one), counted=random.random() < 0.97) for one in range(500)),
            how="按记录逐条计数",
            target=Target(op="ge", value=95),
        ).figure
        for index in range(FIGURES)
    )
    ids = tuple(one.id for one in figures)
    return Snapshot(
        meta=Meta(
            kind="facilities",
            number="XJ-202610-bench-1",
            version=1,
            site="bench",
            site_name="测试小区",
            month="2026-10",
            timezone="Asia/Shanghai",
            since_at=SINCE,
            until_at=SINCE + timedelta(days=31),
            program="0",
            rules="0",
            cutoff_at=SINCE + timedelta(days=31),
            made_at=SINCE + timedelta(days=31),
        ),
        conclusions=("本月巡检任务完成率 97.0%。",),
        figures=figures,
        key_figures=ids,
        sections=(
            Section(id="patrol", title="巡检与巡更", blocks=(_rounds(random),)),
            Section(
                id="pump_room",
                title="泵房与给排水",
                blocks=(_curve(random), FigureList(id="f", caption="指标", figures=ids)),
            ),
            Section(id="orders", title="工单与维修", blocks=(_orders(random),)),
            Section(id="ledger", title="台账变更与证照", blocks=(_ledger(random, devices),)),
        ),
        signers=(Signer(slot="prepared", title="编制（设备责任人）"), Signer(slot="approved", title="批准（经理）")),
    )


def _ledger(random: Random, devices: int) -> Table:
    kinds = ("text", "text", "text", "date", "datetime", "hours", "yuan", "mark", "person")
    titles = ("编号", "名称", "位置", "投用", "末次检查", "运行(小时)", "费用(元)", "完好", "责任人")
    columns = tuple(
        Column.model_validate({"key": f"c{at}", "title": title, "kind": kind})
        for at, (title, kind) in enumerate(zip(titles, kinds, strict=True))
    )
    rows = tuple(
        (
            f"EQ-{index:05}",
            random.choice(("手动报警按钮", "稳压泵")),
            f"{index % 30 + 1}层",
            "2019-05-17",
            (SINCE + timedelta(minutes=random.randrange(44_000))).isoformat(),
            random.uniform(0, 9000),
            random.uniform(0, 4000),
            random.random() > 0.02,
            "消防责任人",
        )
        for index in range(devices)
    )
    return Table(id="devices", caption="设备台账", columns=columns, rows=rows, sheet="设备")


def _orders(random: Random) -> Table:
    columns = (
        Column(key="id", title="工单号"),
        Column(key="what", title="内容", width=2.0),
        Column(key="at", title="受理", kind="datetime"),
        Column(key="took", title="用时(分钟)", kind="minutes"),
        Column(key="verdict", title="结论", kind="verdict"),
    )
    rows = tuple(
        (
            f"WO-202610-{index:04}",
            "地下二层生活水泵房出口压力传感器越过上限，现场复核后更换",
            SINCE.isoformat(),
            random.uniform(5, 900),
            random.choice(("met", "met", "missed")),
        )
        for index in range(ORDERS)
    )
    return Table(id="orders", caption="工单", columns=columns, rows=rows, sheet="工单")


def _rounds(random: Random) -> Chart:
    days = tuple(f"10-{day:02}" for day in range(1, 32))
    fields = tuple(
        Series(name=f"{route + 1}号路线", values=tuple(random.choice((1.0, 1.0, 1.0, 0.5, 0.0)) for _ in days))
        for route in range(ROUTES)
    )
    return Chart(id="rounds", caption="点位×日期", kind="heatmap", labels=days, series=fields)


def _curve(random: Random) -> Chart:
    low = tuple(0.38 + random.uniform(-0.02, 0.01) for _ in range(HOURS))
    high = tuple(value + random.uniform(0.0, 0.05) for value in low)
    return Chart(
        id="curve",
        caption="泵房出口压力",
        kind="envelope",
        unit="MPa",
        low=0.3,
        high=0.5,
        centre=0.4,
        labels=tuple(f"{hour // 24 + 1} {hour % 24:02}h" for hour in range(HOURS)),
        series=(Series(name="min", values=low), Series(name="max", values=high)),
    )


def cells(one: Snapshot) -> int:
    """Cells of all tables."""
    return sum(len(table.rows) * len(table.columns) for table in tables(one))


def tables(one: Snapshot) -> list[Table]:
    """Tables of all sections."""
    return [block for section in one.sections for block in section.blocks if isinstance(block, Table)]


def as_csv(one: Snapshot) -> bytes:
    """The baseline: raw cells, no words, no layout."""
    out = StringIO()
    writer = csv.writer(out)
    for table in tables(one):
        writer.writerow([column.title for column in table.columns])
        writer.writerows(table.rows)
    return out.getvalue().encode()


def cpu() -> float:
    """Processor seconds of this process and those it waited for: what a busy machine does not change."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def work(kind: str, devices: int) -> dict[str, float]:
    """Render once in this process: seconds, peak megabytes, kilobytes of file."""
    from importlib import import_module

    one = snapshot(devices)
    steps: list[float] = []
    began, spent = time.perf_counter(), cpu()
    if kind == "csv":
        made: bytes | str = as_csv(one)
    else:
        render: Callable[..., bytes | str] = import_module(f"services.report.render.{kind}").render
        made = render(one) if kind == "html" else render(one, progress=lambda share, _: steps.append(share))
    took = time.perf_counter() - began
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {"s": took, "cpu": cpu() - spent, "mb": peak, "kb": len(made) / 1024, "steps": len(steps)}


def main() -> int:
    """Print a line per format; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.kind:
        print(json.dumps(work(arguments.kind, arguments.devices)))
        return 0
    print(
        f"{arguments.devices} devices, {cells(snapshot(arguments.devices)):,} cells, median of {arguments.runs}, cold"
    )
    found: dict[str, dict[str, float]] = {}
    for kind in ("csv", *FORMATS):
        command = [sys.executable, "-m", "benchmarks.report", "--kind", kind, "--devices", str(arguments.devices)]
        runs = [json.loads(subprocess.check_output(command)) for _ in range(arguments.runs)]
        found[kind] = {key: statistics.median(one[key] for one in runs) for key in runs[0]}
    base = found["csv"]["s"]
    for kind, one in found.items():
        timed = f"{kind:5} {one['s']:7.3f} s  {one['cpu']:6.2f} s cpu  {one['s'] / base:7.1f} × csv"
        print(f"{timed}  {one['mb']:6.0f} MB  {one['kb']:7.0f} kB  {one['steps']:3.0f} progress calls")
    total, used = (sum(found[kind][key] for kind in FORMATS) for key in ("s", "cpu"))
    peak = max(found[kind]["mb"] for kind in FORMATS)
    timed = f"{total:.2f} s (aim {AIM_S:.0f}), {used:.2f} s cpu, {total / base:.0f} × csv"
    print(f"all four: {timed}, peak {peak:.0f} MB (aim {AIM_MB:.0f})")
    return 0 if total < AIM_S and peak < AIM_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
