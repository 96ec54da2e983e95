from datetime import date, datetime, timedelta

from gateway.site.model import SiteConfig
from services.equipment import service, store
from services.equipment.commands import edit
from services.equipment.tables import Equipment
from services.kernel.db import Database


def changed(config: SiteConfig, **update: object) -> SiteConfig:
    """The site with other files; nothing of the old one is remembered."""
    return SiteConfig.model_validate({**{name: getattr(config, name) for name in SiteConfig.model_fields}, **update})


def test_every_declared_thing_becomes_an_entry_and_nothing_happens_twice(
    db: Database, config: SiteConfig, now: datetime
) -> None:
    with db.begin() as s:
        assert service.sync(s, config, now) == 6
    with db.begin() as s:
        assert service.sync(s, config, now) == 0
        rows = {row.eid: row for row in service.of_site(s, "hill")}
        assert sorted(rows) == ["ext-1", "fp-smoke-1", "lift-1", "pump-1", "smoke-1", "valve-1"]
        assert (rows["fp-smoke-1"].kind, rows["fp-smoke-1"].origin) == ("smoke_detector", "fire_point")
        assert (rows["valve-1"].kind, rows["ext-1"].kind) == ("fire_device", "extinguisher")
        assert rows["pump-1"].responsible == "eng"
        assert len({row.tag for row in rows.values()}) == 6
        assert [one.kind for one in store.history(s, rows["pump-1"].id)] == ["registered"]


def test_what_changed_and_what_is_gone_is_written_down_and_nothing_deleted(
    db: Database, config: SiteConfig, now: datetime
) -> None:
    pump, lift, _other = config.equipment
    after = changed(
        config, equipment=(pump.model_copy(update={"name": "一号泵", "installed_on": date(2020, 1, 2)}), lift)
    )
    with db.begin() as s:
        service.sync(s, config, now)
    with db.begin() as s:
        # The smoke detector gets the free id as a new entry of its own; the old one and its former id are gone.
        assert service.sync(s, after, now + timedelta(hours=1)) == 3
    with db.begin() as s:
        row = service.by_eid(s, "hill", "pump-1")
        assert row is not None
        assert row.name == "一号泵"
        assert store.history(s, row.id)[0].data["fields"] == {
            "name": ["1号泵", "一号泵"], "installed_on": [None, "2020-01-02"],
        }  # fmt: skip
        gone = service.by_eid(s, "hill", "fp-smoke-1")
        assert gone is not None
        assert not gone.declared
        assert store.history(s, gone.id)[0].kind == "undeclared"
        assert gone.eid not in {one.eid for one in service.of_site(s, "hill", live=True)}
    with db.begin() as s:
        service.sync(s, config, now + timedelta(hours=2))
        back = service.by_eid(s, "hill", "fp-smoke-1")
        assert back is not None
        assert back.declared
        assert store.history(s, back.id)[0].kind == "declared"


def test_what_people_entered_stays_where_the_files_say_nothing(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        row = service.by_eid(s, "hill", "lift-1")
        assert row is not None
        edit(s, config, row.id, {"maker": "海岳", "supervisor": "sup"}, now, actor="eng")
    with db.begin() as s:
        assert service.sync(s, config, now) == 0
        kept = service.by_eid(s, "hill", "lift-1")
        assert kept is not None
        assert (kept.maker, kept.supervisor) == ("海岳", "sup")


def test_what_was_entered_by_hand_is_never_undeclared(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        s.add(Equipment(id="x", site="hill", eid="own", origin="entered", tag="T", name="梯子", kind="tool",
                        status_at=now, created_at=now, updated_at=now))  # fmt: skip
        service.sync(s, config, now)
        own = service.by_eid(s, "hill", "own")
        assert own is not None
        assert own.declared
