"""A tag's address against a site's declarations: whose it is, what it proves, and who went where in between."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from sun_tags import KEYS, SunTag

from gateway.contract.times import from_ms
from gateway.site.model import Site, SiteConfig
from gateway.site.patrol import Checkpoint, Patrol, Route, Stop, Tag
from services.kernel.db import Database
from services.patrol.sun.claims import Outcome, Proof, check
from services.patrol.sun.keys import put
from services.patrol.sun.signature import FACTORY_KEY, KeySet
from services.patrol.tables import SunClaim, TapRow

SECRET = bytes(range(32))
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
START = 1_800_000_000_000
HOUR = 3_600_000
GATE, PUMPS = "04DE5F1EACC040", "04958CAA5C5E80"
FACTORY = KeySet(FACTORY_KEY, FACTORY_KEY)


def config_of(*routes: tuple[str, list[str]], gate: str = GATE, keys: str = "batch") -> SiteConfig:
    tags = {"gate": Tag(uid=gate, kind="sun", keys=keys), "pumps": Tag(uid=PUMPS, kind="sun", keys=keys)}
    points = tuple(Checkpoint(id=one, name=one, area="a", tags=(tag,)) for one, tag in tags.items())
    points += (Checkpoint(id="roof", name="roof", area="a", tags=(Tag(uid="3A7C119E"),)),)
    made = tuple(
        Route(id=f"r{number}", name="r", order=order, stops=tuple(Stop(checkpoint=one) for one in stops))  # type: ignore[arg-type]
        for number, (order, stops) in enumerate(routes)
    )
    return SiteConfig(
        site=Site(id="yunhe", name="y", timezone="Asia/Shanghai"), patrol=Patrol(checkpoints=points, routes=made)
    )


CONFIG = config_of(("ordered", ["gate", "pumps", "roof"]))


@pytest.fixture
def session(one_db: Database) -> Iterator[Session]:
    with one_db.begin() as found:
        put(found, SECRET, "yunhe", "batch", KEYS, NOW)
        yield found


@pytest.fixture
def tag() -> SunTag:
    return SunTag(GATE)


def ask(
    session: Session, url: str, at: int = 0, *, config: SiteConfig = CONFIG, secret: bytes = SECRET,
    device: str = "yunhe/p1", client: str = "", guard: str = "",
) -> Proof:  # fmt: skip
    return check(
        session, config, secret, url, client_id=client or url, device=device, at_ms=START + at, guard=guard
    )  # fmt: skip


def walked(session: Session, at: int, *, phone: str = "p1", guard: str = "li", evidence: str = "uid") -> None:
    """Somebody tapped the plain tag on the roof."""
    moment = from_ms(START + at)
    who = {"device": "app", "phone": phone, "guard": guard, "evidence": evidence}
    row = {"id": f"yunhe/app/{phone}-{at}", "site": "yunhe", "checkpoint": "roof", "at": moment, "received_at": moment}
    session.add(TapRow(**row, **who))
    session.flush()


def test_a_read_proves_the_place(session: Session, tag: SunTag) -> None:
    assert ask(session, tag.read()) == Proof("gate", GATE, 1, Outcome.VERIFIED, START)


@pytest.mark.parametrize("declared", ["04:de:5f:1e:ac:c0:40", "40C0AC1E5FDE04"])
def test_the_tag_may_be_declared_as_any_reader_prints_it(session: Session, tag: SunTag, declared: str) -> None:
    assert ask(session, tag.read(), config=config_of(gate=declared)).checkpoint == "gate"


def test_asking_again_tells_the_first_time(session: Session, tag: SunTag) -> None:
    url = tag.read()
    first = ask(session, url, client="a")
    assert ask(session, url, HOUR, client="a") == first
    again = ask(session, url, HOUR, client="b")
    assert (again.checkpoint, again.outcome) == ("gate", "replay")


@pytest.mark.parametrize(
    ("url", "outcome"),
    [("", "malformed"), ("https://a.test/\ud800?e=1", "malformed"), (SunTag("04000000000001").read(), "unknown_tag")],
)
def test_bad_input_never_raises(session: Session, url: str, outcome: str) -> None:
    assert ask(session, url) == Proof(None, "", -1, outcome)


def test_a_wrong_signature_uses_nothing_up(session: Session, tag: SunTag) -> None:
    url = tag.read()
    assert ask(session, url[:-4] + "0000").outcome == "bad_mac"
    assert session.query(SunClaim).count() == 0
    assert ask(session, url).outcome == "verified"


def test_another_installations_secret_proves_nothing_and_stops_nothing(session: Session, tag: SunTag) -> None:
    assert ask(session, tag.read(), secret=bytes(32)).outcome == "no_keys"


def test_key_sets_are_not_interchangeable(session: Session, tag: SunTag) -> None:
    put(session, SECRET, "yunhe", "other", KeySet(b"A" * 16, b"B" * 16), NOW)
    assert ask(session, tag.read(), config=config_of(keys="other")).outcome == "unknown_tag"


def test_tags_with_factory_keys_are_not_believed(session: Session) -> None:
    assert ask(session, SunTag(GATE, FACTORY).read()).outcome == "unknown_tag"


def harvest(session: Session, config: SiteConfig, rounds: int = 4) -> list[str]:
    tag = SunTag(GATE)
    return [ask(session, tag.read(), number * HOUR, config=config).outcome for number in range(rounds)]


def test_saved_up_addresses_are_marked(session: Session) -> None:
    assert harvest(session, CONFIG) == ["verified", "harvested", "harvested", "harvested"]


def test_at_a_point_without_a_round_around_it_nobody_can_be_elsewhere(session: Session) -> None:
    assert set(harvest(session, config_of(("ordered", ["gate"])))) == {"verified"}


def test_a_round_that_ends_where_the_next_begins_may_return_once(session: Session) -> None:
    config = config_of(("ordered", ["gate", "pumps", "gate"]))
    assert harvest(session, config) == ["verified", "verified", "harvested", "harvested"]


@pytest.mark.parametrize(
    ("phone", "guard", "evidence", "outcome"),
    [
        ("p1", "", "uid", "verified"),
        ("p2", "li", "uid", "verified"),
        ("p2", "wang", "uid", "harvested"),
        ("p1", "li", "qr", "harvested"),
    ],
)
def test_a_plain_tag_elsewhere_clears_a_return_and_a_code_does_not(
    session: Session, tag: SunTag, phone: str, guard: str, evidence: str, outcome: str
) -> None:
    ask(session, tag.read(), guard="li")
    walked(session, HOUR // 2, phone=phone, guard=guard, evidence=evidence)
    assert ask(session, tag.read(), HOUR, guard="li").outcome == outcome


def test_a_signed_tag_elsewhere_clears_a_return(session: Session, tag: SunTag) -> None:
    ask(session, tag.read())
    ask(session, SunTag(PUMPS).read(), HOUR // 2)
    assert ask(session, tag.read(), HOUR).outcome == "verified"


def test_a_walk_before_the_last_visit_clears_nothing(session: Session, tag: SunTag) -> None:
    walked(session, -HOUR)
    ask(session, tag.read())
    assert ask(session, tag.read(), HOUR).outcome == "harvested"
    walked(session, HOUR + timedelta(minutes=1) // timedelta(milliseconds=1))
    assert ask(session, tag.read(), 2 * HOUR).outcome == "verified"
