"""Tells Grafana of marks: a thread of its own, because a Grafana that is slow or away is nobody else's trouble.

At least once, and once in the end: a claim is committed before Grafana is asked, its result after. Whoever finds a mark
that was tried before asks Grafana by its tag first; whoever comes back too late takes his mark away again.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway.contract.errors import GengfuError
from services.annotation import store
from services.annotation.grafana import GrafanaAway, GrafanaRefused
from services.annotation.model import Mark, wait_after
from services.annotation.store import Claim
from services.kernel.clock import Clock
from services.kernel.db import Database

log = logging.getLogger("gengfu.marks")

EVERY_S = 5.0
BATCH = 50
TURN_FOR_S = 30.0
"""A turn ends after this: well before its claims run out."""
FORGET_EVERY = timedelta(hours=6)


class Marks(Protocol):
    """What marks are kept in: Grafana."""

    def find_mark(self, key: str) -> int | None:
        """The number of the mark with this key."""

    def create_mark(self, mark: Mark) -> int:
        """Make it; its number."""

    def change_mark(self, number: int, mark: Mark) -> bool:
        """Bring it up to date; False: it is gone."""

    def remove_mark(self, number: int) -> None:
        """Delete it."""


Wanted = Callable[[Session, datetime, int], list[Mark]]
"""At most so many marks that Grafana does not have as they are, and that nobody is at."""


class MarkPusher:
    """Brings Grafana's marks up to date. Safe in several workers at once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        marks: Marks,
        wanted: Wanted,
        forget: Callable[[Session, datetime], None] = lambda _session, _now: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._marks = marks
        self._wanted = wanted
        self._forget = forget
        self._failures = 0
        """Turns in a row in which Grafana was away or refused us."""
        self._rest_until: datetime | None = None
        self._forgot_at: datetime | None = None
        self._thread: threading.Thread | None = None

    def start(self, stop: threading.Event) -> "MarkPusher":
        """Work in the background until told to stop."""
        self._thread = threading.Thread(target=self._run, args=(stop,), name="marks", daemon=True)
        self._thread.start()
        return self

    def join(self) -> None:
        """Wait for the thread to end; a request that hangs is not waited for."""
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                while self.turn() == BATCH and not stop.is_set():
                    pass
            except (OperationalError, InterfaceError) as error:
                log.debug("marks wait for the state database: %s", error.orig)
            except Exception:
                # Nobody waits for this thread, so nobody would miss it: the next turn is its only second chance.
                log.exception("a turn of the marks failed")
                stop.wait(wait_after(2).total_seconds())
            stop.wait(EVERY_S)

    def turn(self) -> int:
        """One batch; how many marks Grafana took. Raises nothing because of Grafana."""
        now = self._clock.now()
        if self._rest_until is not None and now < self._rest_until:
            return 0
        self._forget_old(now)
        with self._db.read() as session:
            marks = self._wanted(session, now, BATCH)
        if not marks:
            return 0
        with self._db.begin() as session:
            claims = store.claim(session, marks, now)
        return self._tell(claims)

    def _tell(self, claims: list[Claim]) -> int:
        done = 0
        started = time.monotonic()
        for at, claim in enumerate(claims):
            if time.monotonic() - started > TURN_FOR_S:
                self._give_back(claims[at:], self._clock.now())
                break
            try:
                number = self._bring(claim)
            except GrafanaRefused as error:
                if error.is_about_us:
                    self._rest(error, claims[at:])
                    break
                self._fail(claim, error)
            except GrafanaAway as error:
                self._fail(claim, error)
                self._rest(error, claims[at + 1 :])
                break
            else:
                done += self._settle(claim, number)
        else:
            self._recovered()
        return done

    def _bring(self, claim: Claim) -> int | None:
        """Make it so in Grafana; the number of its mark, None when a person has deleted it."""
        number = claim.grafana_id
        if number is None and claim.attempts > 1:
            number = self._marks.find_mark(claim.mark.key)
        if number is None:
            return self._marks.create_mark(claim.mark)
        self._marks.change_mark(number, claim.mark)  # a mark that somebody deleted stays deleted
        return number

    def _settle(self, claim: Claim, number: int | None) -> int:
        with self._db.begin() as session:
            ours = store.told(session, claim, number)
        if not ours and claim.grafana_id is None and number is not None:
            self._take_away(claim, number)
        return int(ours)

    def _take_away(self, claim: Claim, number: int) -> None:
        """Our claim had run out: whoever has it by now makes, or has made, the mark."""
        try:
            self._marks.remove_mark(number)
        except (GrafanaAway, GrafanaRefused) as error:
            log.warning("mark %s may be there twice: %s", claim.mark.key, error)

    def _fail(self, claim: Claim, error: GengfuError) -> None:
        log.log(logging.WARNING if claim.attempts == 1 else logging.DEBUG, "mark %s: %s", claim.mark.key, error)
        with self._db.begin() as session:
            store.failed(session, claim, error.message[:500], self._clock.now() + wait_after(claim.attempts))

    def _rest(self, error: GengfuError, untried: list[Claim]) -> None:
        """Leave Grafana alone for a while; the first time is worth a warning, the rest is not."""
        self._failures += 1
        self._rest_until = self._clock.now() + wait_after(self._failures)
        log.log(logging.WARNING if self._failures == 1 else logging.DEBUG, "marks wait: %s", error)
        self._give_back(untried, self._clock.now())

    def _give_back(self, claims: list[Claim], now: datetime) -> None:
        if claims:
            with self._db.begin() as session:
                for claim in claims:
                    store.given_back(session, claim, now)

    def _recovered(self) -> None:
        if self._failures:
            log.warning("Grafana takes marks again")
        self._failures, self._rest_until = 0, None

    def _forget_old(self, now: datetime) -> None:
        if self._forgot_at is None or not timedelta(0) <= now - self._forgot_at < FORGET_EVERY:
            with self._db.begin() as session:
                self._forget(session, now)
            self._forgot_at = now
