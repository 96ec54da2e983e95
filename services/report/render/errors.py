"""What can keep a report from being rendered."""

from services.kernel.errors import AppError


class RenderError(AppError):
    """A file could not be made; the snapshot is untouched."""

    status = 500
    code = "render"


class FontMissing(RenderError):
    """The font is not where its package should have it: better no file than boxes instead of words."""

    code = "font_missing"


class BadTemplate(RenderError):
    """The Word template of the site cannot be filled."""

    status = 422
    code = "bad_template"
