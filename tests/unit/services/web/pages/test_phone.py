import json
import re

from console import Console

from services.web.phone_words import WORDS


def test_guards_begin_with_their_phone_and_others_with_the_console(console: Console) -> None:
    with console.browser() as browser:
        assert browser.sign_in("guard").headers["location"] == "/patrol/phone"
        assert browser.get("/").headers["location"] == "/patrol/phone"
        assert browser.get("/sign-in").headers["location"] == "/patrol/phone"
    with console.browser() as browser:
        assert browser.sign_in("duty").headers["location"] == "/"
        assert browser.get("/patrol/phone").status_code == 200


def test_the_page_that_the_phone_keeps_says_nothing_about_who_asked_for_it(console: Console) -> None:
    with console.browser("guard") as one, console.browser("duty", language="en") as other:
        page = one.get("/patrol/phone").text
        assert page == other.get("/patrol/phone").text
        assert one.csrf not in page
    with console.browser() as stranger:
        assert stranger.get("/patrol/phone").status_code == 303


def test_every_text_comes_in_both_languages(console: Console) -> None:
    with console.browser("guard") as browser:
        page = browser.get("/patrol/phone").text
    found = re.search(r'<script type="application/json" id="words">(.*?)</script>', page)
    assert found is not None
    words = json.loads(found[1])
    assert words["zh"].keys() == words["en"].keys() == WORDS.keys()
    assert (words["zh"]["i_am_fine"], words["en"]["i_am_fine"]) == ("我没事", "I am fine")


def test_everything_the_worker_keeps_is_there(console: Console) -> None:
    with console.browser("guard") as browser:
        worker = browser.get("/patrol/sw.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        shell = json.loads(worker.text.partition("\n")[0].removeprefix("const SHELL = ").removesuffix(";"))
        assert "/patrol/phone" in shell["files"]
        assert not [file for file in shell["files"] if browser.get(file).status_code != 200]
        manifest = browser.get("/patrol/manifest.webmanifest").json()
        assert (manifest["start_url"], manifest["scope"]) == ("/patrol/phone", "/patrol/")


def test_the_camera_and_previews_are_allowed_on_the_phone_page_alone(console: Console) -> None:
    with console.browser("duty") as browser:
        phone, desk = browser.get("/patrol/phone").headers, browser.get("/").headers
    assert "camera=(self)" in phone["permissions-policy"]
    assert "img-src 'self' data: blob:; worker-src 'self'" in phone["content-security-policy"]
    assert "camera=()" in desk["permissions-policy"]
    assert "blob:" not in desk["content-security-policy"]
