"""A fire alarm panel and its transmission device as they stand: what each step makes them report. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gateway.simulator.fire_days import Step
from gateway.simulator.fire_points import Component

RECORDS = 102
"""Operations kept: as many as one answer holds (GB/T 26875.3 table 3)."""
RESET_ENDS = frozenset({"fire", "start", "feedback"})
"""What a panel's reset ends; faults and shields outlive it."""
_PANEL_FAULTS = frozenset({"mains_fault", "battery_fault", "bus_fault"})

Kind = Literal["component", "system", "value", "operation", "state", "device_operation", "clock"]


class Record(NamedTuple):
    """Somebody did something."""

    at_ms: int
    word: str
    operator: int


class Report(NamedTuple):
    """One object of one frame."""

    at_ms: int
    kind: Kind
    component: Component | None = None
    words: tuple[str, ...] = ()
    """States that hold, all of them; of an operation what was done."""
    operator: int = 0
    value: tuple[int, int] = (0, 0)


class Panel:
    """Takes steps, remembers what holds, says what is to be reported."""

    def __init__(self, components: Sequence[Component], started_ms: int) -> None:
        """Nothing is wrong at the beginning; both were switched on and have tested themselves."""
        self.components = {one.address: one for one in components}
        self._words: dict[str, list[str]] = {}
        self._system: list[str] = []
        self._values: dict[str, tuple[int, int]] = {}
        self.operations: deque[Record] = deque(maxlen=RECORDS)
        """What was done at the panel."""
        self.device_operations: deque[Record] = deque(maxlen=RECORDS)
        """What was done at the transmission device."""
        for records in (self.operations, self.device_operations):
            records.append(Record(started_ms, "self_test", 0))

    def words_of(self, address: str) -> tuple[str, ...]:
        """The states of a component; empty: normal."""
        return tuple(self._words.get(address, ()))

    def value_of(self, address: str) -> tuple[int, int] | None:
        """The last analog value of a component: type, and value in its smallest unit."""
        return self._values.get(address)

    def system_words(self) -> tuple[str, ...]:
        """The states of the whole system: those of its components, and its own."""
        of_components = [word for words in self._words.values() for word in words]
        return tuple(dict.fromkeys((*self._system, *of_components)))

    def device_words(self) -> tuple[str, ...]:
        """What the transmission device says of itself: it hangs on the same mains as the panel."""
        return tuple(word for word in self._system if word == "mains_fault")

    def apply(self, step: Step) -> list[Report]:
        """What to report for a step; nothing where it changes nothing."""
        match step.do:
            case "begin" | "end":
                return self._change(step)
            case "system_begin" | "system_end":
                return self._change_system(step)
            case "operate":
                return self._operate(step)
            case "value":
                if step.component is not None:
                    self._values[step.component.address] = step.value
                return [Report(step.at_ms, "value", step.component, value=step.value)]
            case "state":
                return [Report(step.at_ms, "state", words=self.device_words())]
            case _:
                return [Report(step.at_ms, "clock")]

    def acknowledge(self, at_ms: int, operator: int) -> Report:
        """The operator answers a duty check 查岗."""
        self.device_operations.append(Record(at_ms, "duty_answer", operator))
        return Report(at_ms, "device_operation", words=("duty_answer",), operator=operator)

    def forget(self, at_ms: int) -> Report:
        """The device is initialised: its own records are gone, what holds at the panel still holds."""
        self.device_operations.clear()
        self.device_operations.append(Record(at_ms, "self_test", 0))
        return Report(at_ms, "state", words=self.device_words())

    def _change(self, step: Step) -> list[Report]:
        one = step.component
        if one is None:
            return []
        self.components.setdefault(one.address, one)
        words = self._words.setdefault(one.address, [])
        if (step.word in words) == (step.do == "begin"):
            return []
        if step.do == "begin":
            words.append(step.word)
        else:
            words.remove(step.word)
        return [self._report(one.address, step.at_ms)]

    def _report(self, address: str, at_ms: int) -> Report:
        words = tuple(self._words[address])
        if not words:
            del self._words[address]
        return Report(at_ms, "component", self.components[address], words)

    def _change_system(self, step: Step) -> list[Report]:
        if (step.word in self._system) == (step.do == "system_begin"):
            return []
        if step.do == "system_begin":
            self._system.append(step.word)
        else:
            self._system.remove(step.word)
        found = [Report(step.at_ms, "system", words=tuple(self._system))]
        if step.word in _PANEL_FAULTS:
            found.append(Report(step.at_ms, "state", words=self.device_words()))
        return found

    def _operate(self, step: Step) -> list[Report]:
        self.operations.append(Record(step.at_ms, step.word, step.operator))
        found = [Report(step.at_ms, "operation", words=(step.word,), operator=step.operator)]
        if step.word == "reset":
            for address in [key for key, words in self._words.items() if RESET_ENDS & set(words)]:
                self._words[address] = [word for word in self._words[address] if word not in RESET_ENDS]
                found.append(self._report(address, step.at_ms))
        return found
