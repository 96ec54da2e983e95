"""Shows what a virtual transmission device sends and what the centre answers, line by line."""

from collections.abc import Callable
from datetime import datetime

from gateway.simulator.fire_days import Step
from gateway.simulator.utd import Passed, Utd
from gateway.simulator.utd_words import words_of_frame


class Watcher:
    """Writes to standard output; every line begins with the time by the device's zone."""

    def __init__(self, now: Callable[[], datetime], *, english: bool, show_hex: bool) -> None:
        self._now = now
        self._english = english
        self._show_hex = show_hex

    def passed(self, one: Passed) -> None:
        """A frame went by."""
        arrow = "→" if one.way == "sent" else "←"
        self._say(f"{arrow} {words_of_frame(one.frame, english=self._english)}")
        if self._show_hex:
            print(f"            {one.frame.encode().hex()}", flush=True)

    def step(self, step: Step) -> None:
        """Something happened at the panel."""
        if step.text:
            self._say(f"· {step.text_en if self._english else step.text}")

    def lost(self, why: str) -> None:
        """There is no connection."""
        self._say(f"× no connection: {why}; trying again" if self._english else f"× 没有连接（{why}），继续重试")

    def found(self, again: bool) -> None:
        """There is one."""
        again_zh, again_en = ("重新", " again") if again else ("", "")
        self._say(f"= connected{again_en}" if self._english else f"= 已{again_zh}连上监控中心")

    def sum_up(self, utd: Utd) -> None:
        """The figures, in the end."""
        said = f"信号已确认 {utd.confirmed}，待确认 {utd.waiting}，被否认 {utd.denied}，丢弃 {utd.dropped}"
        said += f"；已应答命令 {utd.answered}"
        if self._english:
            said = (
                f"Signals: {utd.confirmed} confirmed, {utd.waiting} waiting, {utd.denied} denied, {utd.dropped} dropped"
            )
            said += f"; {utd.answered} commands answered"
        self._say(said)

    def _say(self, text: str) -> None:
        print(f"{self._now():%H:%M:%S.%f}"[:12] + f" {text}", flush=True)
