"""Topics: what names a device and a kind, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import BadTopic
from gateway.contract.topics import (
    BULK_KINDS,
    ID_PATTERN,
    KINDS,
    URGENT_KINDS,
    Kind,
    parse_topic,
    ready_topic,
    receipt_topic,
    subscription,
    topic,
)

ids = st.from_regex(ID_PATTERN, fullmatch=True)


@given(ids, ids, st.sampled_from(KINDS))
def test_a_topic_is_read_as_it_was_written(site: str, device: str, kind: Kind) -> None:
    assert parse_topic(topic(site, device, kind)) == (site, device, kind)


@given(ids, ids, st.sampled_from(KINDS))
def test_a_subscription_hears_the_topics_of_its_site(site: str, device: str, kind: Kind) -> None:
    heard = topic(site, device, kind).split("/")
    for pattern in (subscription(site, kind), subscription("+", kind)):
        levels = pattern.split("/")
        assert len(levels) == len(heard)
        assert all(level in ("+", name) for level, name in zip(levels, heard, strict=True))


@pytest.mark.parametrize("answer", [receipt_topic("gateway-1"), ready_topic("yunhe")])
def test_what_ingest_says_is_no_event(answer: str) -> None:
    with pytest.raises(BadTopic):
        parse_topic(answer)


def test_every_kind_has_one_lane() -> None:
    assert sorted(URGENT_KINDS + BULK_KINDS) == sorted(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gengfu/v1",
        "gengfu/v1/yunhe/dom-low",
        "gengfu/v1/yunhe/dom-low/reading/",
        "/gengfu/v1/yunhe/dom-low/reading",
        "gengfu/v1/yunhe/dom-low/reading\n",
        "gengfu/v2/yunhe/dom-low/reading",
        "gengfu/v1/Yunhe/dom-low/reading",
        "gengfu/v1/yunhe/-dom/reading",
        "gengfu/v1/yunhe/dom-/reading",
        "gengfu/v1/yunhe/dom low/reading",
        "gengfu/v1/云和/dom-low/reading",
        "gengfu/v1/yunhe//reading",
        "gengfu/v1/+/dom-low/reading",
        f"gengfu/v1/yunhe/{'d' * 65}/reading",
        "gengfu/v1/yunhe/dom-low/command",
        "gengfu/v1/yunhe/dom-low/Reading",
        "x" * 70_000,
    ],
)
def test_other_topics_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(BadTopic) as caught:
        parse_topic(text)
    assert caught.value.hint
    assert len(caught.value.message) < 400
