"""Root of the one error tree."""


class GengfuError(Exception):
    """Anything Gengfu refuses or cannot do: what happened, to which id, and what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class ContractError(GengfuError):
    """A message that does not follow the event contract; `code` is stable and names the reason."""

    code = "contract"


class BadTopic(ContractError):
    """The topic is not `gengfu/v1/{site}/{device}/{kind}`."""

    code = "bad_topic"


class BadTime(ContractError):
    """A time is not RFC 3339 with a zone, or no such moment exists."""

    code = "bad_time"


class BadEventId(ContractError):
    """An event id is neither `{boot}-{seq}` nor a ULID."""

    code = "bad_id"


class BadPayload(ContractError):
    """The payload is not the JSON object its kind asks for."""

    code = "bad_payload"


class NotNow(GengfuError):
    """Nothing was committed for a reason that passes (a locked or unreachable database): try the same again."""


class NotOurs(GengfuError):
    """Another process does this by now: nothing was committed, and trying again is for it alone."""
