"""The .env of docker compose: what people wrote stays."""

from services.install.environment import merged, values_in

MINE = """\
# my notes: A=1
DEPLOY_HOST=old.example
COMPOSE_PROJECT_NAME = "gf"
DEPLOY_WEB_PORT=9443
"""


def test_missing_names_are_added_and_only_what_was_decided_is_changed() -> None:
    text = merged(
        MINE, {"DEPLOY_WEB_PORT": "8443", "DEPLOY_UID": "1000"}, {"DEPLOY_HOST": "new.example", "DEPLOY_X": "y"}
    )
    assert text.splitlines() == [
        "# my notes: A=1",
        "DEPLOY_HOST=new.example",
        'COMPOSE_PROJECT_NAME = "gf"',
        "DEPLOY_WEB_PORT=9443",
        "DEPLOY_UID=1000",
        "DEPLOY_X=y",
    ]
    assert merged(text, {"DEPLOY_UID": "0"}, {"DEPLOY_HOST": "new.example"}) == text


def test_comments_are_no_values_and_quotes_are_not_part_of_them() -> None:
    assert values_in(MINE) == {"DEPLOY_HOST": "old.example", "COMPOSE_PROJECT_NAME": "gf", "DEPLOY_WEB_PORT": "9443"}


def test_a_new_file_says_what_it_is() -> None:
    assert merged("", {"A": "1"}, {}).startswith("# For docker compose")
