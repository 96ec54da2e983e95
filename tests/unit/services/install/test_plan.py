"""What init decides: once made stays made, what is rotated is new, and what a person has changed is left alone."""

from datetime import timedelta

import pytest
from installations import KINDS, NOW, configs, contents, planned, site

from services.install import certificates, plan, secrets
from services.install.certificates import Pair, make_authority, make_server
from services.install.files import digest
from services.install.plan import CA, CA_KEY, CERTIFICATE, OwnCertificate
from services.kernel.errors import SettingsError

FIRST = planned()
THERE = contents(FIRST)


def differing(after: dict[str, bytes]) -> set[str]:
    return {name for name in after.keys() | THERE.keys() if after.get(name) != THERE.get(name)}


def test_everything_of_the_deployment_is_there() -> None:
    assert {name for name in FIRST if name.startswith("secrets/")} == {
        *(secrets.place(name) for name in (*secrets.MADE_ONCE, *secrets.GIVEN_LATER)),
        "secrets/mqtt_gateway_jingan",
        "secrets/ca.key",
    }
    assert {name for name in FIRST if not name.startswith("secrets/")} == {
        "mosquitto/mosquitto.conf",
        "mosquitto/passwd",
        "mosquitto/acl",
        "mosquitto/certs/ca.crt",
        "mosquitto/certs/server.crt",
        "mosquitto/certs/server.key",
        "postgres/init/10-roles.sh",
        "grafana/provisioning/datasources/gengfu.yaml",
        "grafana/provisioning/dashboards/gengfu.yaml",
        "grafana/boards/gengfu-site.json",
        "devices/jingan.csv",
    }
    assert all(one.content for name, one in FIRST.items() if name.rpartition("/")[2] not in secrets.GIVEN_LATER)


def test_what_only_people_need_is_for_its_owner_alone() -> None:
    assert {name for name, one in FIRST.items() if one.mode == 0o600} == {"secrets/ca.key", "devices/jingan.csv"}
    assert {one.mode for one in FIRST.values()} == {0o600, 0o640}


def test_run_again_it_changes_nothing() -> None:
    assert not differing(contents(planned(THERE, hosts=(), now=NOW + timedelta(days=30))))


def test_no_secret_is_used_twice_or_shows_in_a_file_that_is_none() -> None:
    words = [one.content for name, one in FIRST.items() if name.startswith("secrets/") and one.content]
    assert len(set(words)) == len(words)
    open_files = [one.content for name, one in FIRST.items() if not name.startswith(("secrets/", "devices/"))]
    assert not [word for word in words for content in open_files if word in content]


def test_the_gateways_password_is_the_one_of_the_list() -> None:
    assert THERE["secrets/mqtt_gateway_jingan"] in THERE["devices/jingan.csv"]


def test_a_new_device_gets_an_account_and_nobody_else_a_new_password() -> None:
    more = configs(site(kinds={**KINDS, "plc-2": "plc"}))
    after = contents(planned(THERE, of=more))
    assert differing(after) == {"devices/jingan.csv", "mosquitto/passwd", "mosquitto/acl"}
    old = set(THERE["mosquitto/passwd"].splitlines())
    assert old < set(after["mosquitto/passwd"].splitlines())


def test_a_device_that_is_gone_has_no_account_any_more() -> None:
    fewer = {device: kind for device, kind in KINDS.items() if device != "meter"}
    after = contents(planned(THERE, of=configs(site(kinds=fewer))))
    for name in ("mosquitto/passwd", "mosquitto/acl", "devices/jingan.csv"):
        assert b"meter" not in after[name]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("mqtt_web", {"secrets/mqtt_web", "mosquitto/passwd"}),
        ("jingan/plc-1", {"devices/jingan.csv", "mosquitto/passwd"}),
        ("jingan/gateway-1", {"devices/jingan.csv", "mosquitto/passwd", "secrets/mqtt_gateway_jingan"}),
        ("postgres_password", {"secrets/postgres_password"}),
        ("certificate", {"mosquitto/certs/server.crt", "mosquitto/certs/server.key"}),
        ("ca", {CA, CA_KEY, CERTIFICATE, "mosquitto/certs/server.key"}),
    ],
)
def test_rotating_one_thing_changes_what_holds_it_and_nothing_else(name: str, changed: set[str]) -> None:
    after = contents(planned(THERE, hosts=(), rotate=frozenset([name])))
    assert differing(after) == changed
    before = THERE["mosquitto/passwd"].splitlines()
    lines = after["mosquitto/passwd"].splitlines()
    assert sum(one != other for one, other in zip(before, lines, strict=True)) == ("mosquitto/passwd" in changed)
    assert set(certificates.hosts_of(after[CERTIFICATE])) == set(certificates.hosts_of(THERE[CERTIFICATE]))


@pytest.mark.parametrize("name", ["secret_key", "influx_token", "jingan/phones", "jingan/nobody", "no-such"])
def test_what_cannot_be_rotated_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} cannot be rotated"):
        planned(THERE, rotate=frozenset([name]))


def test_tokens_that_influxdb_has_chosen_stay() -> None:
    there = {**THERE, "secrets/influx/influx_token": b"chosen"}
    assert contents(planned(there))["secrets/influx/influx_token"] == b"chosen"
    assert THERE["secrets/influx/influx_token"] == b""


def test_simulated_devices_have_users_only_in_a_demo() -> None:
    demo = contents(planned(THERE, demo=True))
    assert demo["secrets/mqtt_simulator_jingan"]
    assert b"jingan-simulator" in demo["mosquitto/passwd"]
    assert b"simulator" not in THERE["mosquitto/passwd"] + THERE["mosquitto/acl"]
    back = planned(demo)
    assert contents(back) == THERE
    written = {name: [digest(content)] for name, content in demo.items()}
    gone = [step for step in plan.steps(back, demo, written, force=False) if step.change == "removed"]
    assert [step.name for step in gone] == ["secrets/mqtt_simulator_jingan"]


def test_a_certificate_is_made_anew_for_another_name_and_before_it_expires() -> None:
    named = contents(planned(THERE, hosts=("gengfu.example", "10.0.8.5")))
    assert set(certificates.hosts_of(named[CERTIFICATE])) == {"gengfu.example", "10.0.8.5", *plan.ALWAYS_NAMED}
    assert named[CA] == THERE[CA]
    late = NOW + certificates.SERVER_LIFE - timedelta(days=59)
    renewed = contents(planned(THERE, hosts=(), now=late))
    assert certificates.valid_until(renewed[CERTIFICATE]) == late + certificates.SERVER_LIFE
    assert renewed[CA] == THERE[CA]


COMPANY = make_authority(NOW, 9)
OWN = OwnCertificate(make_server(COMPANY, ["gengfu.company.example"], NOW), COMPANY.certificate)


def test_the_companys_certificate_replaces_ours_and_stays() -> None:
    after = contents(planned(THERE, hosts=(), own=OWN))
    assert (after[CERTIFICATE], after[CA]) == (OWN.pair.certificate, OWN.ca)
    assert CA_KEY not in after
    assert contents(planned(after, hosts=())) == after
    with pytest.raises(SettingsError, match="not for other"):
        planned(after, hosts=("other.example",))
    back = contents(planned(after, hosts=(), rotate=frozenset(["ca"])))
    assert "gengfu.company.example" in certificates.hosts_of(back[CERTIFICATE])
    assert CA_KEY in back


def test_a_certificate_of_the_company_that_does_not_fit_changes_nothing() -> None:
    with pytest.raises(SettingsError, match="--key"):
        planned(THERE, own=OwnCertificate(Pair(OWN.pair.certificate, COMPANY.key), OWN.ca))


def test_without_any_name_there_is_no_certificate() -> None:
    with pytest.raises(SettingsError, match="--host"):
        planned(hosts=())


def change_of(name: str, there: bytes | None, written: dict[str, list[str]], *, force: bool = False) -> str:
    found = {} if there is None else {name: there}
    return next(step.change for step in plan.steps({name: FIRST[name]}, found, written, force=force))


def test_a_file_a_person_has_changed_is_left_alone_unless_forced() -> None:
    ours = {"mosquitto/acl": [digest(b"an older one of ours")]}
    assert change_of("mosquitto/acl", None, {}) == "new"
    assert change_of("mosquitto/acl", THERE["mosquitto/acl"], {}) == "same"
    assert change_of("mosquitto/acl", b"an older one of ours", ours) == "changed"
    assert change_of("mosquitto/acl", b"somebody's", ours) == "kept"
    assert change_of("mosquitto/acl", b"somebody's", ours, force=True) == "changed"
    assert change_of("devices/jingan.csv", b"with a column more", {}) == "changed"


def test_a_file_that_nobody_needs_goes_unless_a_person_has_changed_it() -> None:
    found = {"devices/old.csv": b"ours", "grafana/boards/mine.json": b"edited", "notes": b"mine"}
    written = {"devices/old.csv": [digest(b"ours")], "grafana/boards/mine.json": [digest(b"ours")]}
    steps = plan.steps({}, found, written, force=False)
    assert [(step.name, step.change) for step in steps] == [("devices/old.csv", "removed")]
