"""Messages → rows for the store, events for the judge, and what has to be refused; site files applied."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.contract.decode import Decoded, decode, identity
from gateway.contract.errors import ContractError
from gateway.contract.heard import Heard, Rejected
from gateway.contract.topics import parse_topic
from gateway.registry import KnownPoint, Registry
from gateway.subscribe import Message
from gateway.timeseries.store import AheadClaim, Row, tie_of

CLOCK_AHEAD_TOLERANCE_MS = 120_000
"""A device whose clock runs further ahead is judged by when we heard it, and flagged."""


class Claim(NamedTuple):
    """An event that a publisher keeps until a receipt names it."""

    via: str
    device: str
    boot: str
    seq: int
    event_id: str


class Batch(NamedTuple):
    """Messages decoded: rows for the store, events for the judge, what had to be refused, and who wants receipts."""

    rows: list[Row]
    heard: list[Heard]
    rejected: list[Rejected]
    claims: list[Claim]


class _Ahead(NamedTuple):
    """A reading from the future and where it stands in the batch."""

    claim: AheadClaim
    row: int
    event: Heard
    sample: int


class Decoder:
    """Messages → a Batch, with the site files and the receive time applied."""

    def __init__(self, registry: Registry, settle_ahead: Callable[[Sequence[AheadClaim]], Sequence[int]]) -> None:
        """`settle_ahead`: the store's; the time first used for each reading from the future."""
        self._registry = registry
        self._settle_ahead = settle_ahead

    def decode_all(self, messages: Sequence[Message], received_ms: int) -> Batch:
        """Decode a batch; what cannot be an event is in `rejected`. Raises only what `settle_ahead` raises."""
        batch = Batch([], [], [], [])
        ahead: list[_Ahead] = []
        for message in messages:
            try:
                self._decode_one(message, received_ms, batch, ahead)
            except ContractError as error:
                self._reject(message, error, received_ms, batch)
        if ahead:
            used = self._settle_ahead([one.claim for one in ahead])
            for (_, row, event, sample), used_ms in zip(ahead, used, strict=True):
                series, _, tie, value, quality, _ = batch.rows[row]
                batch.rows[row] = event.samples[sample] = (series, used_ms, tie, value, quality, received_ms)
        return batch

    def refuse(self, message: Message, error: ContractError, received_ms: int) -> Batch:
        """One message as a batch that goes to quarantine."""
        batch = Batch([], [], [], [])
        self._reject(message, error, received_ms, batch)
        return batch

    def _reject(self, message: Message, error: ContractError, received_ms: int, batch: Batch) -> None:
        batch.rejected.append(_refuse(message, error, received_ms))
        self._count_refused(message, received_ms, batch)

    def _count_refused(self, message: Message, received_ms: int, batch: Batch) -> None:
        """A refused event whose id can be read is no loss of its device, and its publisher need not keep it."""
        try:
            site, device, kind = parse_topic(message.topic)
            event_id, boot, seq, via = identity(message.payload)
        except ContractError:
            return
        if via is not None:
            batch.claims.append(Claim(via, device, boot, seq, event_id))
        if boot and (site, device) in self._registry.devices:
            batch.heard.append(Heard(site, device, kind, event_id, boot, seq, received_ms, at_ms=received_ms))

    def _decode_one(self, message: Message, received_ms: int, batch: Batch, ahead: "list[_Ahead]") -> None:
        site, device, kind = parse_topic(message.topic)
        points = self._registry.points_of(site, device)
        decoded = decode(kind, message.payload)
        event = Heard(
            site,
            device,
            kind,
            decoded.event_id,
            decoded.boot,
            decoded.seq,
            received_ms,
            [],
            decoded.body,
            decoded.at_ms,
            0,
            message.retain,
            decoded.fault,
        )
        if kind == "reading":
            self._take_readings(event, decoded, points, batch.rows, ahead)
        elif decoded.at_ms > received_ms + CLOCK_AHEAD_TOLERANCE_MS:
            event.ahead_ms = decoded.at_ms - received_ms
            event.at_ms = received_ms
        if decoded.refused:
            rejected = _refuse_entries(message, decoded.refused, received_ms)
            if decoded.told is not None:
                rejected.topic, rejected.payload = decoded.told
            batch.rejected.append(rejected)
        if decoded.via is not None:
            batch.claims.append(Claim(decoded.via, device, decoded.boot, decoded.seq, decoded.event_id))
        batch.heard.append(event)

    def _take_readings(
        self,
        event: Heard,
        decoded: Decoded,
        points: Mapping[str, KnownPoint],
        rows: list[Row],
        ahead: "list[_Ahead]",
    ) -> None:
        received_ms = event.received_ms
        latest_ms = received_ms + CLOCK_AHEAD_TOLERANCE_MS
        tie_base = tie_of(decoded.event_id, 0)
        samples = event.samples
        for index, at_ms, name, value, quality in decoded.readings:
            known = points.get(name)
            if known is None or (decoded.unit is not None and decoded.unit != known.unit):
                decoded.refused.append(self._refusal(event, index, name, known, decoded.unit))
                continue
            if at_ms > latest_ms:
                event.ahead_ms = max(event.ahead_ms, at_ms - received_ms)
                claim = AheadClaim(known.key, at_ms, tie_base | index, received_ms)
                ahead.append(_Ahead(claim, len(rows), event, len(samples)))
            row = (known.key, at_ms, tie_base | index, value, quality, received_ms)
            rows.append(row)
            samples.append(row)

    def _refusal(
        self, event: Heard, index: int, name: str, known: KnownPoint | None, unit: str | None
    ) -> tuple[str, ContractError]:
        if known is None:
            return f"point[{index}]", self._registry.unknown_point(event.site, event.device, name)
        return "unit", self._registry.wrong_unit(known, unit or "")


def _refuse(message: Message, error: ContractError, received_ms: int, place: str = "") -> Rejected:
    parts = message.topic.split("/")
    site, device = (parts[2], parts[3]) if len(parts) == 5 else ("", "")
    return Rejected(
        message.topic, message.payload, error.code, error.message, error.hint, received_ms, site, device, place
    )


def _refuse_entries(message: Message, refused: Sequence[tuple[str, ContractError]], received_ms: int) -> Rejected:
    """The bad entries of a batch as one entry in quarantine: the message is kept once, however many they are."""
    place, first = refused[0]
    rejected = _refuse(message, first, received_ms, place)
    if len(refused) > 1:
        reasons = "; ".join(f"{where}: {error.message}" for where, error in refused[:10])
        rejected.reason = reasons + (f"; and {len(refused) - 10} more" if len(refused) > 10 else "")
        rejected.place = f"{place} (+{len(refused) - 1})"
    return rejected


def judge_failed(error: Exception) -> ContractError:
    """Why a message that breaks a rule's code goes to quarantine."""
    reason = f"Judging this message failed: {type(error).__name__}: {error}"[:500]
    wrapped = ContractError(reason, hint="Report this with the raw bytes; the stream went on without it")
    wrapped.code = "judge_failed"
    return wrapped
