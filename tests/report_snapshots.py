"""A synthetic month's report with every kind of block, seeded: what the renderers are tried on."""

from datetime import UTC, datetime, timedelta
from random import Random

from services.report.model import (
    Change,
    Chart,
    Column,
    Evidenced,
    Figure,
    FigureList,
    Form,
    Meta,
    Ref,
    Section,
    Series,
    Signer,
    Snapshot,
    Table,
    Target,
    Text,
    amount,
    ratio,
)

INJECTION = '#panic("x") {{ 7*7 }} {% if %} <b>粗</b> & "引号" \\ $x$ *星* _下_ `码` @ref </w:t>'
FORMULA = '=HYPERLINK("http://x","y")'
RARE = "喆堃㛃𠮷"
LONG = "三号楼地下二层生活水泵房变频供水机组出口压力传感器在夜间低用水时段反复越过上限，" * 9
UNBROKEN = "X" * 90
NAME, PHONE = "欧阳喆堃", "13812345678"
ROLE = "给排水责任人"
DAYS = tuple(f"10-{day:02}" for day in range(1, 32))
SINCE = datetime(2026, 9, 30, 16, tzinfo=UTC)


def snapshot(devices: int = 40, seed: int = 7, *, changes: bool = False, running: bool = False) -> Snapshot:
    """A full month."""
    random = Random(seed)
    figures = tuple(one.figure for one in _figures(random))
    return Snapshot(
        meta=_meta(version=2 if changes else 1, running=running),
        conclusions=(
            "泵房压力合格率 99.95%，低于目标 100%：3# 泵房 10-07 03:12 起越下限 47 分钟。",
            f"巡检任务完成率 98.7%，漏检 12 点次，联系 {PHONE}。",
            f"转义试验 {INJECTION}",
        ),
        decisions=("1 号电梯停用超过 24 小时，需决定更换曳引轮（预算 18,600 元）。",),
        figures=figures,
        key_figures=tuple(one.id for one in figures),
        sections=(_patrol(random), _pump_room(random), _fire(random), _ledger(random, devices), _nothing()),
        annex=(_form(random), _duty_form(random)),
        signers=(
            Signer(slot="prepared", title="编制（设备责任人）", username="engineer", name="设备责任人"),
            Signer(slot="reviewed", title="审核（设备主管）", username="supervisor", name="设备主管"),
            Signer(slot="approved", title="批准（经理／项目经理）", username="manager", name="物业经理"),
            Signer(slot="quality", title="品质部复核"),
            Signer(slot="client", title="业委会／委托单位签收"),
        ),
        changes=(Change(what="patrol.completion", name="巡检任务完成率", was="97.9%", now="98.7%"),) if changes else (),
        reason="补录 10-12 夜间离线巡更" if changes else "",
    )


def empty() -> Snapshot:
    """A month without any record."""
    none = tuple(
        Figure(
            id=one.figure.id,
            name=one.figure.name,
            name_en=one.figure.name_en,
            unit=one.figure.unit,
            value=None,
            target=one.figure.target,
            verdict="no_data",
            how=one.figure.how,
        )
        for one in _figures(Random(1))
    )
    chart = Chart(id="daily", caption="每日完成率", kind="line", labels=DAYS, series=(_series("完成率", [None] * 31),))
    table = Table(id="routes", caption="路线完成情况", columns=_ROUTES, rows=())
    form = Form(
        id="c1",
        number="C.1",
        caption="建筑消防设施巡查记录表",
        table=Table(id="c1t", caption="", columns=_ROUTES, rows=()),
    )
    return Snapshot(
        meta=_meta(),
        figures=none,
        key_figures=tuple(one.id for one in none),
        sections=(Section(id="patrol", title="巡检与巡更", title_en="Patrol", blocks=(table, chart)), _nothing()),
        annex=(form,),
        signers=(Signer(slot="prepared", title="编制（设备责任人）"),),
    )


def small() -> Snapshot:
    """A cover, two figures and the places to sign: renders fast."""
    whole = snapshot(0)
    return Snapshot(
        meta=whole.meta, figures=whole.figures[:2], key_figures=whole.key_figures[:2], signers=whole.signers
    )


def table_of(one: Snapshot, table_id: str) -> Table:
    """One of its tables."""
    blocks = (block for section in one.sections for block in section.blocks)
    return next(block for block in blocks if isinstance(block, Table) and block.id == table_id)


def _meta(version: int = 1, *, running: bool = False) -> Meta:
    return Meta(
        kind="facilities",
        number=f"XJ-202610-yunhe-{version}",
        version=version,
        site="yunhe",
        site_name="云河花园",
        site_name_en="Yunhe Garden",
        company="云河物业服务有限公司",
        month="2026-10",
        timezone="Asia/Shanghai",
        since_at=SINCE,
        until_at=SINCE + timedelta(days=31),
        cutoff_at=SINCE + timedelta(days=31, hours=1),
        made_at=SINCE + timedelta(days=31, hours=1, seconds=9),
        program="0.6.0",
        rules="9f3a51c07be24d18",
        running=running,
    )


def _figures(random: Random) -> list[Evidenced]:
    def refs(hits: int, whole: int) -> tuple[Ref, ...]:
        return tuple(Ref(kind="round", id=str(index), counted=index < hits) for index in range(whole))

    def share(figure_id: str, name: str, en: str, hits: int, whole: int, target: float | None) -> Evidenced:
        aim = None if target is None else Target(op="ge", value=target)
        made = ratio(
            figure_id, name, en, refs(hits, whole), how=f"{name}：按记录逐条计数", target=aim, requirements=("KPI-06",)
        )
        previous = random.uniform(90, 100)
        return Evidenced(figure=made.figure.model_copy(update={"previous": previous}), evidence=made.evidence)

    return [
        share("patrol.completion", "巡检任务完成率", "Rounds completed", 613, 621, 95),
        share("patrol.visits", "巡查点到位率", "Visits made", 1999, 2000, 100),
        amount("patrol.missed", "漏检点次", "Visits missed", 12, how="应到减有效"),
        amount(
            "pump.excursions", "泵房压力越限次数", "Excursions", 7, how="越限事件数", target=Target(op="le", value=0)
        ),
        amount(
            "pump.minutes_out", "越限累计时间", "Minutes outside", 1234.5, unit="minutes", decimals=1, how="时长之和"
        ),
        share("pump.pass_rate", "泵房压力合格率", "Pressure within limits", 44618, 44640, 100),
        share("order.timely", "工单完成及时率", "Orders timely", 61, 70, 90),
        share("callback.director", "回访率（中心主任）", "Called back by director", 0, 0, 40),
        amount(
            "order.restore_median", "恢复时长中位数", "Median restore", 3.25, unit="hours", decimals=1, how="中位数"
        ),
        amount("cost.month", "维修费用", "Cost", 128640.5, unit="yuan", decimals=2, how="工单费用之和"),
        share("maintenance.compliance", "设备维护达标率", "Maintenance compliance", 180, 180, 100),
        amount(
            "equipment.intact",
            "设施设备完好率",
            "Intact",
            99.149,
            unit="percent",
            decimals=1,
            how="按数量",
            target=Target(op="ge", value=99.15),
        ),
    ]


_ROUTES = (
    Column(key="route", title="路线", title_en="Route", width=2.0),
    Column(key="due", title="应巡", title_en="Due", kind="int"),
    Column(key="done", title="完成", title_en="Done", kind="int"),
    Column(key="late", title="迟到(分钟)", title_en="Late (min)", kind="minutes"),
    Column(key="rate", title="完成率", title_en="Rate", kind="percent"),
    Column(key="verdict", title="结论", title_en="Verdict", kind="verdict"),
    Column(key="guard", title="责任人", title_en="Guard", kind="person"),
)


def _patrol(random: Random) -> Section:
    rows = tuple(
        (
            f"{index + 1}号楼{'夜间' if index % 2 else '日检'}路线",
            31,
            31 - index % 3,
            random.uniform(0, 40),
            (31 - index % 3) / 31 * 100,
            "met" if index % 3 == 0 else "missed",
            NAME if index % 4 else ROLE,
        )
        for index in range(9)
    )
    daily = [None if day in (11, 12) else min(100.0, random.uniform(91, 103)) for day in range(31)]
    fields = tuple(
        _series(
            f"{floor}层消防通道巡查点",
            [random.choice([1.0] * 9 + [0.5, 0.0]) if day != 12 else None for day in range(31)],
        )
        for floor in range(1, 15)
    )
    missed = Table(
        id="missed",
        caption="漏检点清单",
        sheet="漏检",
        columns=(
            Column(key="p", title="点位"),
            Column(key="t", title="应到时间", kind="datetime"),
            Column(key="w", title="责任人", kind="person"),
            Column(key="r", title="原因", width=3.0),
            Column(key="ok", title="已复核", kind="mark"),
        ),
        rows=(
            ("B2 水泵房", "2026-10-12T18:05:00+00:00", NAME, LONG, True),
            (f"屋顶 {RARE}", "2026-10-12T18:25:00+00:00", "guard 2", INJECTION, False),
            (UNBROKEN, "2026-10-13T18:25:00+00:00", None, FORMULA, None),
            ("-1F", None, "张三、李四", f"@{PHONE}", None),
        ),
        note=f"联系 {PHONE}",
    )
    return Section(
        id="patrol",
        title="巡检与巡更",
        title_en="Patrol and rounds",
        blocks=(
            Table(
                id="routes",
                caption="表2 路线完成情况",
                caption_en="Routes",
                columns=_ROUTES,
                rows=rows,
                sheet="巡检",
                total=("合计", 279, 270, 123.4, 270 / 279 * 100, None, None),
            ),
            Chart(
                id="daily",
                caption="每日完成率",
                caption_en="Completed each day",
                kind="line",
                labels=DAYS,
                series=(_series("完成率", daily), _series("准时率", [None if x is None else x - 4 for x in daily])),
                unit="%",
                low=95,
            ),
            missed,
            Chart(id="points", caption="点位×日期", kind="heatmap", labels=DAYS, series=fields),
            Text(lines=("夜间路线自 10-12 起改为 2 人一组。", f"{RARE} 点位已更名。"), style="bullets"),
            Text(lines=("注：离线打点在上传后计入。",), style="note"),
        ),
    )


def _pump_room(random: Random) -> Section:
    labels = tuple(f"{day} {hour:02}h" for day in DAYS for hour in range(0, 24, 2))
    low = [0.38 + random.uniform(-0.01, 0.01) for _ in labels]
    high = [value + random.uniform(0.01, 0.04) for value in low]
    low[80], high[200] = 0.22, 0.57
    gap = range(120, 140)
    cut = [None if index in gap else value for index, value in enumerate(low)]
    upper = [None if index in gap else value for index, value in enumerate(high)]
    wide = tuple(
        Column(key=f"c{index}", title=title, kind="text" if index == 0 else "number", decimals=3)
        for index, title in enumerate(
            (
                "测点",
                "设定",
                "下限",
                "上限",
                "最小",
                "P5",
                "中位",
                "P95",
                "最大",
                "平均",
                "越限次数",
                "越限分钟",
                "有效数据率",
            )
        )
    )
    return Section(
        id="pump_room",
        title="泵房与给排水",
        title_en="Pump rooms",
        blocks=(
            Table(
                id="pressure",
                caption="压力统计",
                columns=wide,
                sheet="压力统计",
                rows=tuple((f"{zone}区供水压力", *[random.uniform(0, 1) for _ in range(12)]) for zone in "高中低"),
            ),
            Chart(
                id="curve",
                caption="3# 泵房出口压力",
                kind="envelope",
                labels=labels,
                unit="MPa",
                low=0.3,
                high=0.5,
                centre=0.4,
                series=(_series("min", cut), _series("max", upper)),
            ),
            Chart(
                id="durations",
                caption="越限时长分布",
                kind="bars",
                labels=("<1分", "1–5分", "5–30分", ">30分"),
                series=(_series("次数", [12, 5, 2, 1]), _series("上月", [9, 7, 0, 0])),
            ),
            FigureList(id="pump_figures", caption="泵房指标", figures=("pump.excursions", "pump.pass_rate")),
        ),
    )


def _fire(random: Random) -> Section:
    kinds = ("火警", "误报", "测试", "故障", "屏蔽")
    daily = tuple(_series(one, [float(random.randrange(0, 6)) for _ in DAYS]) for one in kinds)
    return Section(
        id="fire",
        title="消防系统",
        title_en="Fire protection",
        blocks=(
            Chart(
                id="kinds",
                caption="报警类型",
                kind="share",
                labels=(*kinds, "监管", "离线", "其他"),
                series=(_series("次数", [3, 41, 12, 18, 6, 2, 1, 1]),),
            ),
            Chart(id="alarms", caption="每日报警", kind="stacked", labels=DAYS, series=daily),
        ),
    )


def _ledger(random: Random, devices: int) -> Section:
    columns = (
        Column(key="eid", title="编号"),
        Column(key="name", title="名称", width=1.4),
        Column(key="place", title="位置"),
        Column(key="since", title="投用", kind="date"),
        Column(key="seen", title="末次检查", kind="datetime"),
        Column(key="hours", title="运行(小时)", kind="hours"),
        Column(key="cost", title="费用(元)", kind="yuan"),
        Column(key="ok", title="完好", kind="mark"),
        Column(key="person", title="责任人", kind="person"),
    )
    rows = tuple(
        (
            f"EQ-{index:05}",
            random.choice(("手动报警按钮", "感烟探测器", "室内消火栓", "稳压泵", "应急照明")),
            f"{index % 30 + 1}层",
            f"20{random.randrange(10, 26)}-0{random.randrange(1, 10)}-1{random.randrange(0, 9)}",
            (SINCE + timedelta(minutes=random.randrange(44_000))).isoformat(),
            random.uniform(0, 9000),
            random.choice((None, random.uniform(0, 4000))),
            random.random() > 0.02,
            NAME if index % 3 else ROLE,
        )
        for index in range(devices)
    )
    return Section(
        id="ledger",
        title="台账变更与证照",
        title_en="Ledger",
        blocks=(
            Table(id="devices", caption="设备台账", caption_en="Devices", columns=columns, rows=rows, sheet="设备"),
        ),
    )


def _nothing() -> Section:
    table = Table(id="incidents", caption="应急事件", columns=_ROUTES, rows=())
    return Section(id="incidents", title="应急事件", title_en="Incidents", blocks=(table,))


def _form(random: Random) -> Form:
    columns = (
        Column(key="item", title="巡查项目", width=1.5),
        Column(key="content", title="巡查内容", width=3.0),
        Column(key="state", title="正常", kind="mark"),
        Column(key="n", title="数量", kind="int"),
        Column(key="what", title="故障描述及处理", width=2.0),
    )
    rows = tuple(
        (
            f"项目{index}",
            "控制器运行状况、打印纸、显示屏、备用电源工作状态",
            random.random() > 0.1,
            random.randrange(1, 4000),
            None,
        )
        for index in range(26)
    )
    return Form(
        id="c1",
        number="GB 25201 表 C.1",
        caption="建筑消防设施巡查记录表",
        head=(("单位名称", "云河花园"), ("巡查月份", "2026年10月"), ("巡查人", NAME), ("联系电话", PHONE)),
        table=Table(id="c1_rows", caption="", columns=columns, rows=rows),
        foot=(
            "巡查人（签名）：＿＿＿＿＿＿　　消防安全管理人（签名）：＿＿＿＿＿＿",
            "注：正常打√，异常打×，未查划—。",
        ),
    )


def _duty_form(random: Random) -> Form:
    columns = (
        Column(key="d", title="日期", kind="date"),
        Column(key="a", title="火警", kind="int"),
        Column(key="w", title="值班人", kind="person"),
        Column(key="n", title="情况", width=3.0),
    )
    rows = tuple((f"2026-10-{day:02}", random.randrange(3), NAME, "无异常") for day in range(1, 32))
    table = Table(id="a1_rows", caption="", columns=columns, rows=rows)
    return Form(
        id="a1",
        number="GB 25201 表 A.1",
        caption="消防控制室值班记录汇总",
        head=(("单位名称", "云河花园"),),
        table=table,
    )


def _series(name: str, values: list[float | None] | list[float] | list[int]) -> Series:
    return Series(name=name, values=tuple(values))
