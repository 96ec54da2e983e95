"""ASGI layers around everything: security headers and the bound on request bodies."""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1024 * 1024
"""Bytes. The largest thing people send is a comment."""

UPLOADS = {
    "/equipment/import": 6 * 1024 * 1024,
    "/equipment/import/preview": 6 * 1024 * 1024,
    "/equipment/documents": 11 * 1024 * 1024,
}
"""Bytes, by path: what takes files, with room for the form around them."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PHONE = {
    # Its worker keeps it for the hours without network; it previews its own photos and reads codes with the camera.
    "Content-Security-Policy": _HEADERS["Content-Security-Policy"].replace("data:;", "data: blob:; worker-src 'self';"),
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}
PHONE_PATH = "/patrol/phone"


class SecurityHeaders:
    """Adds the headers that keep other sites, frames and caches out."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._extra: Iterable[tuple[str, str]] = [("Strict-Transport-Security", "max-age=31536000")] if https else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with headers on the way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        special = _PHONE if scope["path"] == PHONE_PATH else {}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in [*_HEADERS.items(), *special.items(), *self._extra]:
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Answers 413 when a body says it is, or turns out to be, larger than `limit` bytes."""

    def __init__(self, app: ASGIApp, *, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what fits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = max(self._limit, UPLOADS.get(scope["path"], 0))
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            await self._refuse(send, limit)
            return
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    # An HTTPException, because the framework's body parsing turns every other error into a 400.
                    raise HTTPException(413, _too_large(limit))
            return message

        await self._app(scope, bounded, send)

    async def _refuse(self, send: Send, limit: int) -> None:
        body = (
            '{"type":"urn:gengfu:problem:too_large","title":"Content Too Large","status":413,'
            f'"detail":"{_too_large(limit)}"}}'
        ).encode()
        headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _too_large(limit: int) -> str:
    return f"The request body is larger than {limit >> 20} MiB"
