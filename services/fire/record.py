"""The record of an incident: what happened, who was called and came, what was done, what it was. Pure but for `of`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire import names as site_names
from services.fire.incidents import Dossier, dossier, plan_steps
from services.fire.tables import FireIncidentEvent, FireSignal

Row = tuple[str, ...]

_STAGE = {
    "unconfirmed": ("待确认", "unconfirmed"),
    "small": ("小火情", "small fire"),
    "large": ("大规模火警", "large fire"),
    "closed": ("已关闭", "closed"),
}
_REASON = {
    "unconfirmed_in_time": ("规定时间内无人确认", "nobody confirmed it in time"),
    "second_signal": ("同一防火分区第二个报警", "a second signal of the same zone"),
    "spread": ("小火情后又有新报警", "further signals after it was small"),
    "person": ("现场判定", "graded on the spot"),
}
_VERDICT = {"real": ("真实", "real"), "false": ("误报", "false alarm"), "test": ("测试", "test"), "": ("—", "—")}
_BY = {"tap": ("打点", "tap"), "app": ("手机确认", "app"), "": ("", "")}
_STATE = {
    "fire": ("火警", "fire"), "fault": ("故障", "fault"), "shield": ("屏蔽", "shielded"),
    "supervisory": ("监管", "supervisory"), "start": ("启动", "started"), "feedback": ("反馈", "feedback"),
    "delay": ("延时", "delay"), "power_fault": ("电源故障", "power fault"), "mains_fault": ("主电故障", "mains fault"),
    "battery_fault": ("备电故障", "battery fault"), "bus_fault": ("总线故障", "bus fault"),
    "link_fault": ("线路故障", "line fault"), "centre_fault": ("中心通信故障", "no line to the centre"),
    "manual": ("手动", "manual"), "alarm": ("报警", "alarm"), "reset": ("复位", "reset"),
    "silence": ("消音", "silenced"), "manual_alarm": ("手动报警", "manual alarm"), "cleared": ("警情消除", "cleared"),
    "self_test": ("自检", "self-test"), "confirm": ("确认", "confirmed"), "test": ("测试", "test"),
    "duty_answer": ("查岗应答", "duty check answered"), "config_changed": ("配置改变", "configuration changed"),
}  # fmt: skip
_SCOPE = {
    "component": ("部件消息", "component message"), "system": ("系统消息", "system message"),
    "transmitter": ("传输装置消息", "transmission device message"), "operation": ("操作", "operation"),
    "analog": ("模拟量", "analog value"), "info": ("信息", "information"), "unparsed": ("无法识别", "not understood"),
    "command": ("命令应答", "answer to a command"),
}  # fmt: skip
"""What a signal is that neither names nor ends a state."""
STATED = frozenset({"component", "system", "transmitter"})
"""Scopes that report states."""


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called, in the language of the record."""

    component: Callable[[str, str], str]
    """By key and the text it gives itself."""
    zone: Callable[[str], str]
    person: Callable[[str], str]
    place: Callable[[str], str]
    """A building; the site for an empty one."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the record."""

    id: str
    title: str
    columns: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """The whole record, as a page or an export shows it, section by section."""

    number: str
    title: str
    sections: tuple[Section, ...]


def of(session: Session, config: SiteConfig, incident_id: str, *, english: bool = False) -> Record:
    """The record of one incident of a site, open or closed; raises NotFound."""
    language = 1 if english else 0
    names = Names(
        component=lambda one, text: site_names.component(config, one, text)[language],
        zone=lambda one: site_names.zone(config, one)[language],
        person=lambda one: site_names.person(config, one)[language],
        place=lambda one: site_names.building(config, one)[language],
    )
    found = dossier(session, incident_id, site=config.site.id)
    return record_of(found, names, ZoneInfo(config.site.timezone), english=english)


def record_of(found: Dossier, names: Names, zone: tzinfo, *, english: bool = False) -> Record:
    """The record of an incident; times are local, those with a sign count from its opening."""
    writer = _Writer(found, names, zone, 1 if english else 0)
    row = found.incident
    word = ("火警处置记录", "Fire incident record")[writer.language]
    sections = (writer.summary(), writer.timeline(), writer.zones(), writer.grades(), writer.calls(), writer.steps())
    return Record(row.number, f"{word} {row.number} {names.place(row.building)}", sections)


@dataclass(frozen=True, slots=True)
class _Writer:
    dossier: Dossier
    names: Names
    zone: tzinfo
    language: int

    def _say(self, zh: str, en: str) -> str:
        return (zh, en)[self.language]

    def _section(self, name: str, title: tuple[str, str], columns: Iterable[tuple[str, str]], rows: Any) -> Section:
        return Section(name, self._say(*title), tuple(self._say(*one) for one in columns), tuple(rows))

    def _at(self, moment: datetime | None) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S") if moment is not None else ""

    def _after(self, moment: datetime | None, since: datetime | None = None) -> str:
        if moment is None:
            return ""
        seconds = int((moment - (since or self.dossier.incident.opened_at)) / timedelta(seconds=1))
        sign = "-" if seconds < 0 else "+"
        return f"{sign}{abs(seconds) // 60}:{abs(seconds) % 60:02d}"

    def _bracket(self, text: str) -> str:
        return self._say(f"（{text}）", f" ({text})") if text else ""

    def _who(self, actor: str) -> str:
        return self._say("系统", "system") if actor == "system" else self.names.person(actor)

    def _words(self, states: Iterable[str]) -> str:
        return self._say("、", ", ").join(_STATE.get(one, (one, one))[self.language] for one in states)

    def summary(self) -> Section:
        row, calls = self.dossier.incident, self.dossier.calls
        accepted = min((one.accepted_at for one in calls if one.accepted_at), default=None)
        arrived = min((one.arrived_at for one in calls if one.arrived_at), default=None)
        graded = next((one.at for one in self.dossier.events if one.kind == "graded"), None)
        first = next((one for one in self.dossier.signals if one.id == row.first_signal_id), None)
        grades = [one.data for one in self.dossier.events if one.data.get("facts")]
        large = any("went_large" in one["facts"] or "graded_large" in one["facts"] for one in grades)
        lines: list[tuple[tuple[str, str], str]] = [
            (("编号", "Number"), row.number),
            (("部位", "Place"), self.names.place(row.building)),
            (("首个信号", "First signal"), self._first(first)),
            (("立案时间", "Opened"), self._at(row.opened_at)),
            (("应确认时间", "To be confirmed by"), self._at(row.confirm_by)),
            (("首次判定", "First graded"), self._after(graded)),
            (("首次接警", "First accepted"), self._after(accepted)),
            (("首人到场", "First on the spot"), self._after(arrived)),
            (("是否按大规模处置", "Treated as large"), self._say("是", "yes") if large else self._say("否", "no")),
            (("火警信号数", "Fire signals"), str(row.signals)),
            (("全部信号数", "Signals in all"), str(len(self.dossier.signals))),
            (("报警部件数", "Components"), str(sum(len(ones) for ones in row.zones.values()))),
            (("最近一次复位", "Last reset"), self._at(row.reset_at)),
            (("结论", "Verdict"), _VERDICT[row.verdict][self.language]),
            (("原因", "Cause"), row.cause),
            (("关闭时间", "Closed"), self._at(row.closed_at)),
            (("关闭人", "Closed by"), self._who(row.closed_by) if row.closed_by else ""),
            (("历时", "Lasted"), self._after(row.closed_at)),
        ]
        rows = ((self._say(*label), text) for label, text in lines)
        return self._section("summary", ("概况", "Summary"), (("项目", "Item"), ("内容", "Content")), rows)

    def _first(self, signal: FireSignal | None) -> str:
        return f"{self._where(signal)} {self._at(signal.at)}" if signal is not None else ""

    def timeline(self) -> Section:
        """Everything in the order it was written down; what panels said stands at the time they said it."""
        lines: list[tuple[datetime, int, Row]] = []
        for event in self.dossier.events:
            what = self._event(event)
            if what:
                lines.append((event.at, 1, (what, self._who(event.actor))))
        for signal in self.dossier.signals:
            what = self._signal(signal)
            lines.append((signal.received_at, 0, (what, self._where(signal))))
        lines.sort(key=lambda one: one[:2])
        rows = ((self._at(at), self._after(at), *cells) for at, _, cells in lines)
        columns = (("时间", "Time"), ("历时", "After"), ("事项", "What"), ("谁 / 何处", "Who or where"))
        return self._section("timeline", ("经过", "Timeline"), columns, rows)

    def _signal(self, signal: FireSignal) -> str:
        said = [self._words(signal.states), self._words(signal.operations)]
        if signal.ended:
            said.append(self._say("结束：", "over: ") + self._words(signal.ended))
        values = (f"{one.get('value', '')} {one.get('unit', '')}".strip() for one in signal.body.get("values") or ())
        text = self._say("；", "; ").join(one for one in said if one) or self._nothing(signal)
        return " ".join(one for one in (text, *values, signal.text) if one)

    def _nothing(self, signal: FireSignal) -> str:
        """A complete report of nothing is "back to normal"; all else says what sort of thing it is."""
        if signal.scope in STATED and signal.body.get("complete") and "reserved_bits" not in signal.marks:
            return self._say("恢复正常", "back to normal")
        return _SCOPE.get(signal.scope, (signal.scope, signal.scope))[self.language]

    def _where(self, signal: FireSignal) -> str:
        return self.names.component(signal.component, "")

    def _event(self, event: FireIncidentEvent) -> str:
        """An entry of the history in words; empty for what the signals tell themselves."""
        data = event.data
        people = ", ".join(self.names.person(one) for one in data.get("usernames", ()))
        grown = self._grown(data.get("facts", ()))
        match event.kind:
            case "opened":
                return self._say("立案", "Opened")
            case "reported":
                return grown
            case "not_confirmed":
                return self._say("规定时间内未确认，按大规模处置", "Not confirmed in time: treated as large")
            case "graded":
                grade = _STAGE[data["grade"]][self.language]
                return self._say("判定：", "Graded: ") + grade + self._bracket(data.get("note", ""))
            case "called":
                tier = int(data["tier"])
                first = self._say("召集首批：", "Called first: ")
                return (self._say(f"召集第 {tier} 级增援：", f"Called (tier {tier}): ") if tier else first) + people
            case "accepted":
                return self._say("接警", "Accepted")
            case "arrived":
                return self._say("到场", "Arrived") + self._bracket(_BY[data.get("by", "")][self.language])
            case "step":
                skipped = self._say("不需要：", "Not needed: ") if data["not_needed"] else self._say("完成：", "Done: ")
                return skipped + self._step(data["plan"], data["step"]) + self._bracket(data.get("note", ""))
            case "comment":
                photos = len(data.get("photos", ()))
                attached = self._bracket(self._say(f"照片 {photos} 张", f"{photos} photographs")) if photos else ""
                return self._say("备注：", "Remark: ") + str(data.get("text", "")) + attached
            case "reset":
                return self._say(f"主机复位，{data['ended']} 个火警消失", f"Panel reset, {data['ended']} fires gone")
            case "closed":
                return (
                    self._say("关闭：", "Closed: ")
                    + _VERDICT[data["verdict"]][self.language]
                    + self._bracket(data["cause"])
                )
        return event.kind

    def _grown(self, facts: Iterable[str]) -> str:
        return self._say("转为大规模处置", "Treated as large from here") if "went_large" in facts else ""

    def _step(self, plan: str, step: str) -> str:
        found = next((one for one in plan_steps(self.dossier.incident, plan) if one.id == step), None)
        return self._say(found.text, found.text_en or found.text) if found is not None else step

    def zones(self) -> Section:
        """Components that reported fire, by zone, in the order in which they did."""
        said: dict[str, list[FireSignal]] = {}
        for signal in self.dossier.signals:
            if "fire" in signal.states or "manual_alarm" in signal.operations:
                said.setdefault(signal.component, []).append(signal)
        rows: list[Row] = []
        for zone, components in self.dossier.incident.zones.items():
            name = self.names.zone(zone) if zone else self._say("未登记", "not in the ledger")
            for component in components:
                signals = said.get(component, [])
                first = signals[0].at if signals else None
                rows.append(
                    (
                        name,
                        self.names.component(component, signals[0].text if signals else ""),
                        self._at(first),
                        self._after(first),
                        str(len(signals)),
                    )
                )
        columns = (("防火分区", "Zone"), ("部件", "Component"), ("首报", "First"), ("历时", "After"), ("次数", "Times"))
        return self._section("zones", ("报警部位", "Where it was reported"), columns, rows)

    def grades(self) -> Section:
        """How its grade changed, by whom and why."""
        rows: list[Row] = []
        for event in self.dossier.events:
            facts = event.data.get("facts", ())
            if event.kind == "graded":
                note = str(event.data.get("note", ""))
                rows.append(
                    (self._at(event.at), _STAGE[event.data["grade"]][self.language], self._who(event.actor), note)
                )
            elif "went_large" in facts:
                why = "unconfirmed_in_time" if event.kind == "not_confirmed" else str(event.data.get("reason", ""))
                words = _REASON.get(why, ("", ""))[self.language]
                rows.append((self._at(event.at), _STAGE["large"][self.language], self._who(event.actor), words))
        columns = (("时间", "Time"), ("级别", "Grade"), ("谁", "Who"), ("说明", "Why"))
        return self._section("grades", ("定级", "Grades"), columns, rows)

    def calls(self) -> Section:
        """Who was called, with response times counted from his call (TIM-25)."""
        rows = (
            (
                self.names.person(one.username),
                str(one.tier),
                self._at(one.called_at),
                self._after(one.accepted_at, one.called_at),
                self._after(one.arrived_at, one.called_at),
                _BY.get(one.arrived_by, (one.arrived_by, one.arrived_by))[self.language],
            )
            for one in self.dossier.calls
        )
        columns = (
            ("谁", "Who"),
            ("级", "Tier"),
            ("召集", "Called"),
            ("接警", "Accepted"),
            ("到场", "Arrived"),
            ("凭据", "Proof"),
        )
        return self._section("calls", ("召集与到场", "Call-out"), columns, rows)

    def steps(self) -> Section:
        """The checklists: what was done, by whom, what was not needed and why, what was left."""
        rows: list[Row] = []
        for one in self.dossier.steps:
            done = self._say("不需要", "not needed") if one.not_needed else self._at(one.done_at)
            who = self._who(one.done_by) if one.done_by else ""
            state = done or self._say("未完成", "not done")
            rows.append((_STAGE[one.plan][self.language], self._step(one.plan, one.step), state, who, one.note))
        columns = (("预案", "Plan"), ("步骤", "Step"), ("完成", "Done"), ("谁", "Who"), ("备注", "Note"))
        return self._section("steps", ("处置步骤", "Steps"), columns, rows)
