"""Errors with the HTTP status a person would meet them as; rendered as RFC 9457 problem documents by web."""

from typing import Any, ClassVar

from gateway.contract.errors import GengfuError


class AppError(GengfuError):
    """A refusal with a status. Subclasses keep the ids they speak of in `detail`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "", **detail: Any) -> None:
        super().__init__(message, hint=hint)
        self.detail: dict[str, Any] = detail


class NotFound(AppError):
    """No such thing, or not for this person."""

    status = 404
    code = "not_found"


class Conflict(AppError):
    """The thing is not in a state that allows this; `detail` carries its current state."""

    status = 409
    code = "conflict"


class Forbidden(AppError):
    """The signed-in person's role does not allow this."""

    status = 403
    code = "forbidden"


class Unauthenticated(AppError):
    """Nobody is signed in, or the credentials are wrong."""

    status = 401
    code = "unauthenticated"


class Invalid(AppError):
    """The input has the right shape but cannot be meant."""

    status = 422
    code = "invalid"


class TooMany(AppError):
    """Too many attempts; `detail["retry_after_s"]` says how long to wait."""

    status = 429
    code = "too_many"


class RoleTaken(AppError):
    """Another process already holds a role that only one may hold on this database."""

    status = 503
    code = "role_taken"


class SettingsError(GengfuError):
    """A setting is missing or wrong."""


class SchemaMismatch(GengfuError):
    """The database has another schema version than this program."""
