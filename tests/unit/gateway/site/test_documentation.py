"""docs/configuration.md has every key of every file, and none that does not exist."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from gateway.contract.units import UNITS
from gateway.site import fire, profile, pumps, sensors
from gateway.site.approvals import ApprovalBand, ApprovalStep
from gateway.site.catalogue import AppliesTo, LimitSpec, SlaRow, Source
from gateway.site.cctv import Coverage, ViewPoint
from gateway.site.equipment_kinds import EquipmentKind
from gateway.site.files import (
    FORMAT_SECTIONS,
    LIMIT_SECTIONS,
    PACK_SECTIONS,
    POLICY_SECTIONS,
    PROFILE_SECTIONS,
    SITE_FILE,
    SITE_FILES,
    UPKEEP_SECTIONS,
    LimitOverride,
    PolicySpec,
    SuspendSpec,
)
from gateway.site.fire_formats import Sample, TextEvent, TextFormat, Turn
from gateway.site.model import (
    Area,
    Channel,
    Device,
    Equipment,
    EscalationStep,
    Person,
    Point,
    Site,
)
from gateway.site.patrol import (
    Checkpoint,
    Leg,
    PatrolSettings,
    Position,
    Question,
    QuestionKind,
    RandomStarts,
    Reader,
    ReaderProtocol,
    Route,
    RouteKind,
    RuleKind,
    Schedule,
    Shift,
    Span,
    Stop,
    Tag,
    TagKind,
    Tolerance,
    Weekday,
)
from gateway.site.patrol_specs import PackSpec, RuleSpec
from gateway.site.terms import AreaKind, ChannelKind, Quantity, Role
from gateway.site.upkeep import Checklist, ChecklistItem, Contract, MeterTrigger, Plan, PlanChange, WorkCalendar

HEADINGS: dict[str, type[BaseModel]] = {
    "`site.yaml`": Site,
    "`areas`": Area,
    "`equipment`": Equipment,
    "`devices`": Device,
    "`points`": Point,
    "`people`": Person,
    "`channels`": Channel,
    "`limits` (catalogue)": LimitSpec,
    "`source`": Source,
    "`applies_to`": AppliesTo,
    "`limits` (of a site)": LimitOverride,
    "`suspend_while`": SuspendSpec,
    "`policies`": PolicySpec,
    "`escalation`": EscalationStep,
    "`sla`": SlaRow,
    "`approvals`": ApprovalBand,
    "`steps`": ApprovalStep,
    "`packs`": PackSpec,
    "`checklists`": Checklist,
    "`items`": ChecklistItem,
    "`plans`": Plan,
    "`meter`": MeterTrigger,
    "`contracts`": Contract,
    "`changes`": PlanChange,
    "`calendar`": WorkCalendar,
    "`checkpoints`": Checkpoint,
    "`tags`": Tag,
    "`questions`": Question,
    "`position`": Position,
    "`routes`": Route,
    "`stops`": Stop,
    "`legs`": Leg,
    "`shifts`": Shift,
    "`schedules`": Schedule,
    "`random`": RandomStarts,
    "`window`": Span,
    "`tolerance`": Tolerance,
    "`rules`": RuleSpec,
    "`readers`": Reader,
    "`settings`": PatrolSettings,
    "`formats`": TextFormat,
    "`events`": TextEvent,
    "`turns`": Turn,
    "`samples`": Sample,
    "`sources`": fire.Source,
    "`scales`": fire.AnalogScale,
    "`panels`": fire.Panel,
    "`zones`": fire.Zone,
    "`points` (of a panel)": fire.FirePoint,
    "`appliances`": fire.Appliance,
    "`response`": fire.Response,
    "`tiers`": fire.CallTier,
    "`small`, `large`": fire.ResponseStep,
    "`settings` (of fire)": fire.FireSettings,
    "`profiles`": profile.Profile,
    "`mqtt`": profile.MqttProfile,
    "`fields`": profile.PayloadField,
    "`loop`": profile.Loop,
    "`time`": profile.TimeRule,
    "`history`": profile.History,
    "`tlv`": profile.Tlv,
    "`items` (of `tlv`)": profile.TlvItem,
    "`presence`": profile.Presence,
    "`modbus`": profile.ModbusProfile,
    "`registers`": profile.Register,
    "`samples` (of a profile)": profile.Sample,
    "`events` (of a profile)": profile.Expected,
    "`buses`": sensors.Bus,
    "`sensors`": sensors.Sensor,
    "`span`": sensors.Span,
    "`stations`": pumps.Station,
    "`jockeys`, `mains`": pumps.Pump,
    "`view_points`": ViewPoint,
    "`coverage`": Coverage,
}


@pytest.fixture(scope="module")
def text() -> str:
    return (Path(__file__).parents[4] / "docs/configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_key_is_documented(text: str, heading: str) -> None:
    section = re.split(r"^##+ ", text.split(f"### {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert documented == list(HEADINGS[heading].model_fields)


@pytest.mark.parametrize("heading", HEADINGS)
def test_what_is_required_says_so(text: str, heading: str) -> None:
    section = re.split(r"^##+ ", text.split(f"### {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, flags=re.MULTILINE))
    for name, field in HEADINGS[heading].model_fields.items():
        assert (rows[name] == "required") == field.is_required(), name


def test_every_model_of_a_file_is_among_them() -> None:
    sections = [
        *LIMIT_SECTIONS,
        *POLICY_SECTIONS,
        *PACK_SECTIONS,
        *FORMAT_SECTIONS,
        *UPKEEP_SECTIONS,
        *PROFILE_SECTIONS,
        *(one for many in SITE_FILES.values() for one in many),
    ]
    assert {section.model for section in sections} <= set(HEADINGS.values())


def test_every_file_is_named(text: str) -> None:
    for name in (SITE_FILE, *SITE_FILES):
        assert name in text


FIRE_WORDS = [fire.SourceProtocol, fire.PointKind, fire.ApplianceKind]
PATROL_WORDS = [QuestionKind, ReaderProtocol, RouteKind, RuleKind, TagKind, Weekday]


@pytest.mark.parametrize("words", [AreaKind, EquipmentKind, Quantity, Role, ChannelKind, *PATROL_WORDS, *FIRE_WORDS])
def test_every_word_is_named(text: str, words: object) -> None:
    for word in get_args(words):
        assert f"`{word}`" in text


def test_every_unit_is_named(text: str) -> None:
    for unit in UNITS:
        assert f"`{unit}`" in text or f'`"{unit}"`' in text
