"""Chromium, the console on a real port, and a network between them that can be cut."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from console import PASSWORD
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from require import require

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WITHIN_S = 20
PHONE_WITHIN_MS = 10_000
CHUNK = 65_536


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; a test needs it, so without it the test is skipped."""
    require(CHROMIUM.exists(), "Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One browser for all tests of a file."""
    with chromium() as browser:
        yield browser


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[int]:
    """Serve the console on a free port of the loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + WITHIN_S
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.02)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join(WITHIN_S)


def sign_in(page: Page, username: str, *, at: str = "/") -> None:
    """Sign in as one of the site's people, whose passwords are all the same."""
    page.goto(at)
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


@contextlib.contextmanager
def phone_of(browser: Browser, address: str, username: str, *, script: str = "") -> Iterator[BrowserContext]:
    """A phone with the app, on which somebody has signed in; `script` runs first on every page."""
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="zh-CN"
    )
    context.set_default_timeout(PHONE_WITHIN_MS)
    if script:
        context.add_init_script(script)
    page = context.new_page()
    sign_in(page, username, at="/sign-in?next=/patrol/phone")
    page.wait_for_url("**/patrol/phone")
    page.close()
    yield context
    context.close()


def opened(phone: BrowserContext) -> Page:
    """The app, opened from the home screen; an error on it fails the test."""
    page = phone.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto("/patrol/phone")
    return page


@contextlib.contextmanager
def console_page(browser: Browser, address: str, username: str, width: int = 1280, height: int = 720) -> Iterator[Page]:
    """The console, live, with somebody signed in; a complaint of the page fails the test at its end."""
    context = browser.new_context(base_url=address, viewport={"width": width, "height": height})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page, username)
    expect(page.locator("body")).to_have_attribute("data-live", "on")
    yield page
    context.close()
    assert not complaints


class Network:
    """Carries bytes between a browser and the console, until it is cut.

    The browser's own off line mode is not enough: a service worker that Chromium starts anew gets through for a moment.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut = False
        self._swallow = b""
        self._mute: set[socket.socket] = set()
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection; those that come after end at once."""
        with self._lock:
            self._cut = True
            ended, self._open = self._open, set()
        for one in ended:
            _end(one)

    def swallow_answers(self, to: bytes) -> None:
        """From now on carry requests that name this, and nothing of what comes back."""
        self._swallow = to

    def mend(self) -> None:
        """Carry everything again, over new connections."""
        self.cut()
        with self._lock:
            self._cut, self._swallow = False, b""

    def close(self) -> None:
        """Cut for good."""
        self.cut()
        _end(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            with self._lock:
                far = None if self._cut else socket.create_connection(self._to)
                if far:
                    self._open |= {near, far}
            if not far:
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(CHUNK):
                if self._swallow and self._swallow in data:
                    self._mute.add(other)
                if one not in self._mute:
                    other.sendall(data)
        for end in (one, other):
            _end(end)
        with self._lock:
            self._open -= {one, other}


@contextlib.contextmanager
def carried(app: FastAPI) -> Iterator[Network]:
    """Serve the console behind a network that can be cut."""
    with served(app) as port:
        between = Network(port)
        yield between
        between.close()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
