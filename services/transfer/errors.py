"""Why a transfer does not start, or is not finished."""

from gateway.contract.errors import GengfuError
from services.kernel.errors import RoleTaken


class SourceInUse(RoleTaken):
    """Some process still has the file open that is to be copied."""


class SourceMissing(GengfuError):
    """There is nothing to copy."""


class SourceChanged(GengfuError):
    """The source is not what it was when the copy began."""


class TargetRefused(GengfuError):
    """The target cannot be reached, or is not one to copy into."""


class ValuesRefused(GengfuError):
    """Stored values that the target cannot keep, by table and key."""


class NotEqual(GengfuError):
    """The copy differs from the source."""
