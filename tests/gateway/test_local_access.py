"""The signing key and the local token: made once, closed to others, renewed in time."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from palmette_gateway.access.local_token import LocalToken
from palmette_gateway.access.roles import Role
from palmette_gateway.access.signing_key import SigningKeyError, load_or_create, public_keys
from palmette_gateway.access.tokens import Tokens

MONTH = timedelta(days=30)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_key_and_token_are_made_once_and_only_the_user_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "auth"
    key = load_or_create(folder)
    assert LocalToken(folder, Tokens(key), MONTH).renew()
    token = (folder / "token").read_text()

    again = load_or_create(folder)
    assert not LocalToken(folder, Tokens(again), MONTH).renew()

    assert again.thumbprint() == key.thumbprint()
    assert (folder / "token").read_text() == token
    assert _mode(folder) == 0o700
    assert _mode(folder / "signing-key.pem") == 0o600
    assert _mode(folder / "token") == 0o600
    assert Tokens(again).identify(token.strip()).role is Role.ADMIN


def test_the_public_keys_hold_no_private_part(tmp_path: Path) -> None:
    key = load_or_create(tmp_path)
    (public,) = json.loads(public_keys(key))["keys"]
    assert "d" not in public
    assert json.loads((tmp_path / "jwks.json").read_text()) == {"keys": [public]}


def test_a_key_that_others_could_read_is_closed(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    (tmp_path / "signing-key.pem").chmod(0o644)
    load_or_create(tmp_path)
    assert _mode(tmp_path / "signing-key.pem") == 0o600


@pytest.mark.parametrize(
    ("lifetime", "renewed"),
    [(timedelta(days=29), False), (timedelta(days=11), False), (timedelta(days=9), True), (timedelta(0), True)],
)
def test_the_token_is_renewed_when_less_than_a_third_is_left(
    tmp_path: Path, lifetime: timedelta, renewed: bool
) -> None:
    tokens = Tokens(load_or_create(tmp_path))
    (tmp_path / "token").write_text(tokens.issue("local", Role.ADMIN, lifetime)[0])
    (tmp_path / "token").chmod(0o600)
    assert LocalToken(tmp_path, tokens, MONTH).renew() is renewed


@pytest.mark.parametrize("content", ["", "nonsense", "a.b.c"])
def test_a_token_file_without_a_token_is_replaced(tmp_path: Path, content: str) -> None:
    tokens = Tokens(load_or_create(tmp_path))
    (tmp_path / "token").write_text(content)
    assert LocalToken(tmp_path, tokens, MONTH).renew()
    assert tokens.identify((tmp_path / "token").read_text().strip()).subject == "local"


def test_a_token_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    tokens = Tokens(load_or_create(tmp_path))
    local = LocalToken(tmp_path, tokens, MONTH)
    local.renew()
    (tmp_path / "token").chmod(0o644)
    assert local.renew()
    assert _mode(tmp_path / "token") == 0o600


def test_a_new_key_makes_a_new_token(tmp_path: Path) -> None:
    LocalToken(tmp_path, Tokens(load_or_create(tmp_path)), MONTH).renew()
    (tmp_path / "signing-key.pem").unlink()
    assert LocalToken(tmp_path, Tokens(load_or_create(tmp_path)), MONTH).renew()


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signing-key.pem").write_bytes(content)
    with pytest.raises(SigningKeyError, match=r"signing-key\.pem.*delete it"):
        load_or_create(tmp_path)
