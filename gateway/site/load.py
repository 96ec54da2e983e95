"""`device_configs/` → Configs, or every problem at once."""

from collections.abc import Iterable
from pathlib import Path

from gateway.site.approval_checks import check_bands, check_titles
from gateway.site.derived import add_derived_points
from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.files import (
    FORMAT_SECTIONS,
    LIMIT_SECTIONS,
    OPTIONAL_FILES,
    PACK_SECTIONS,
    POLICY_SECTIONS,
    PROFILE_SECTIONS,
    SITE_FILE,
    SITE_FILES,
    SITE_MODEL,
    UPKEEP_SECTIONS,
    Section,
)
from gateway.site.fire_checks import check_fire, fire_policies_used
from gateway.site.model import Configs, SiteConfig
from gateway.site.patrol import Patrol
from gateway.site.patrol_checks import check_key_areas, check_patrol
from gateway.site.patrol_rules import RuleResolver, check_packs
from gateway.site.policies import check_policies, check_reachable, resolve_policy
from gateway.site.problems import Problems, SiteInvalid, Spot
from gateway.site.profile_checks import check_profiles
from gateway.site.pump_checks import check_cctv, check_stations
from gateway.site.references import check_site
from gateway.site.resolve import LimitResolver, check_catalogue
from gateway.site.sections import read_sections, read_whole
from gateway.site.sensor_checks import check_sensors
from gateway.site.sensors import Sensors
from gateway.site.upkeep_checks import check_shipped_plans
from gateway.site.upkeep_resolve import UpkeepResolver
from gateway.site.yaml_source import read_document

PATROL_DIRECTORY = "patrol"
FIRE_DIRECTORY = "fire"
UPKEEP_DIRECTORY = "maintenance"
PROFILE_DIRECTORY = "profiles"


def load_configs(path: Path) -> Configs:
    """Read everything under `path`; raises SiteInvalid with all problems."""
    problems = Problems()
    if not path.is_dir():
        problems.add(Spot(str(path)), "dir_missing", name=path)
        raise SiteInvalid(problems.sorted())
    shared = SharedDraft()
    _read_shared(path, "limits", LIMIT_SECTIONS, shared, problems)
    _read_shared(path, "policies", POLICY_SECTIONS, shared, problems)
    if (path / PATROL_DIRECTORY).is_dir():
        _read_shared(path, PATROL_DIRECTORY, PACK_SECTIONS, shared, problems)
    if (path / FIRE_DIRECTORY).is_dir():
        _read_shared(path, FIRE_DIRECTORY, FORMAT_SECTIONS, shared, problems)
    if (path / UPKEEP_DIRECTORY).is_dir():
        _read_shared(path, UPKEEP_DIRECTORY, UPKEEP_SECTIONS, shared, problems)
    if (path / PROFILE_DIRECTORY).is_dir():
        _read_shared(path, PROFILE_DIRECTORY, PROFILE_SECTIONS, shared, problems)
    check_policies(shared, problems)
    check_profiles(shared, problems)
    check_bands(shared, problems)
    check_packs(shared, problems)
    check_catalogue(shared, problems)
    check_shipped_plans(shared, problems)
    directories = _directories(path / "sites")
    if not directories:
        problems.add(Spot("sites"), "dir_empty", name=f"sites/<id>/{SITE_FILE}")
    sites = [_load_site(directory, shared, problems) for directory in directories]
    if len(problems):
        raise SiteInvalid(problems.sorted())
    return Configs(
        sites={site.site.id: site for site in sites if site is not None},
        limits=shared.limits.values(),
        sla=shared.sla.values(),
        fire_formats={one.id: one for one in shared.formats.values()},
        approvals=shared.approvals.values(),
        profiles={one.id: one for one in shared.profiles.values()},
    )


def _yaml_files(directory: Path) -> list[Path]:
    return sorted(file for file in directory.glob("*.y*ml") if not file.name.startswith("."))


def _directories(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return sorted(one for one in directory.iterdir() if one.is_dir() and not one.name.startswith((".", "_")))


def _read_shared(root: Path, name: str, sections: tuple[Section, ...], shared: SharedDraft, problems: Problems) -> None:
    files = _yaml_files(root / name)
    if not files:
        problems.add(Spot(name), "dir_empty", name=f"{name}/*.yaml")
        read_sections(None, sections, shared.entries, problems)
    for file in files:
        document = read_document(file, f"{name}/{file.name}", problems)
        read_sections(document, sections, shared.entries, problems)


def _load_site(directory: Path, shared: SharedDraft, problems: Problems) -> SiteConfig | None:
    """Read and check one site; None, or something incomplete, when there are problems."""
    draft = SiteDraft(directory.name)
    _read_site(directory, draft, problems)
    add_derived_points(draft)
    check_site(draft, problems)
    check_sensors(draft, shared, problems)
    check_stations(draft, problems)
    check_cctv(draft, problems)
    check_patrol(draft, shared, problems)
    check_key_areas(draft, problems)
    check_fire(draft, shared, problems)
    check_titles(draft, shared, problems)
    resolver = LimitResolver(draft, shared, problems)
    limits = resolver.resolve()
    rules = RuleResolver(draft, shared, problems)
    patrol = _patrol(draft, rules)
    upkeep = UpkeepResolver(draft, shared, problems).resolve()
    used = [*resolver.used_policies(limits), *rules.used_policies(patrol), *fire_policies_used(draft)]
    check_reachable(draft, shared, used, problems)
    if draft.site is None or len(problems):
        return None
    rows = {row.id: row for row in shared.sla.values()}
    return SiteConfig(
        site=draft.site.value,
        areas=draft.areas.values(),
        equipment=draft.equipment.values(),
        devices=draft.devices.values(),
        points=draft.points.values(),
        people=draft.people.values(),
        channels=draft.channels.values(),
        policies=tuple(
            resolve_policy(spec, rows[spec.sla], draft.channels.values()) for spec in shared.policies.values()
        ),
        limits=limits,
        patrol=patrol,
        fire=draft.fire(),
        upkeep=upkeep,
        sensors=Sensors(buses=draft.buses.values(), sensors=draft.sensors.values()),
        stations=draft.stations.values(),
        cctv=draft.cctv(),
    )


def _patrol(draft: SiteDraft, rules: RuleResolver) -> Patrol:
    return Patrol(
        checkpoints=draft.checkpoints.values(),
        routes=draft.routes.values(),
        shifts=draft.shifts.values(),
        schedules=draft.schedules.values(),
        rules=rules.resolve(),
        readers=draft.readers.values(),
        settings=draft.patrol_settings,
    )


def _read_site(directory: Path, draft: SiteDraft, problems: Problems) -> None:
    prefix = f"sites/{directory.name}"
    expected = (SITE_FILE, *SITE_FILES)
    for name in _strangers(directory, expected):
        problems.add_unknown(Spot(f"{prefix}/{name}"), "file_unknown", name, expected)
    if (directory / SITE_FILE).is_file():
        document = read_document(directory / SITE_FILE, f"{prefix}/{SITE_FILE}", problems)
        if document is not None:
            draft.site = read_whole(document, SITE_MODEL, problems)
    else:
        problems.add(Spot(f"{prefix}/{SITE_FILE}"), "file_missing", name=SITE_FILE)
    for name, sections in SITE_FILES.items():
        if (directory / name).is_file():
            document = read_document(directory / name, f"{prefix}/{name}", problems)
            read_sections(document, sections, draft.entries, problems)
        elif name not in OPTIONAL_FILES:
            problems.add(Spot(f"{prefix}/{name}"), "file_missing", name=name)
            read_sections(None, sections, draft.entries, problems)


def _strangers(directory: Path, expected: Iterable[str]) -> list[str]:
    """YAML files of a site that nothing reads: most likely a misspelt name."""
    return sorted(file.name for file in _yaml_files(directory) if file.name not in set(expected))
