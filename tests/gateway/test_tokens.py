"""Who is calling: what a token must be to be believed. Each test is a way in that stays shut."""

import base64
import json
import multiprocessing
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from chat.errors import ErrorCode, Rejected
from gateway.tokens import LEEWAY_S, KeysInvalid, TokenKeys, new_secret, read_keys

SECRET = b"s" * 32
ED = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
ED_PUBLIC = ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs_key(kid: str = "hs") -> dict[str, str]:
    return {"kty": "oct", "kid": kid, "alg": "HS256", "k": encoded(SECRET)}


def ed_key(kid: str = "ed", *, private: bool = True) -> dict[str, str]:
    key = {"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "x": encoded(ED_PUBLIC)}
    if private:
        key["d"] = encoded(ED.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return key


def keys(*entries: dict[str, str], now_s: float | None = None) -> TokenKeys:
    text = json.dumps({"keys": list(entries or (hs_key(), ed_key()))})
    return TokenKeys(read_keys(text, "test"), "diqiucun", now_s=time.time if now_s is None else lambda: now_s)


def forged(claims: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token signed with our own secret, but for what `changes` say."""
    secret, algorithm, kid = changes.get("secret", SECRET), changes.get("algorithm", "HS256"), changes.get("kid", "hs")
    base = {"sub": "ann", "aud": "diqiucun", "exp": int(time.time()) + 60}
    merged = {name: value for name, value in {**base, **(claims or {})}.items() if value is not None}
    return jwt.encode(merged, secret, algorithm=algorithm, headers={"kid": kid} if kid else None)


def refusal(token: str, of: TokenKeys | None = None) -> ErrorCode:
    with pytest.raises(Rejected) as refused:
        (of or keys()).verify(token)
    return refused.value.code


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return ".".join((encoded(json.dumps(header).encode()), encoded(json.dumps(claims).encode()), encoded(signature)))


@pytest.mark.parametrize("key", [hs_key(), ed_key()])
def test_what_was_minted_is_believed_with_all_its_claims(key: dict[str, str]) -> None:
    ours = keys(key)
    token, expires_at_ms = ours.mint(
        "ann", name="安", rooms={"plaza": "moderator", "*": "guest"}, create=True, admin=True, lives_s=60
    )
    caller = ours.verify(token)
    assert (caller.user, caller.name, caller.may_create, caller.administrator) == ("ann", "安", True, True)
    assert caller.grants == {"plaza": "moderator", "*": "guest"}
    assert caller.expires_at_ms == expires_at_ms
    assert abs(expires_at_ms - (time.time() + 60) * 1000) < 2_000


def test_a_token_says_no_more_than_asked() -> None:
    ours = keys()
    caller = ours.verify(ours.mint("bob", lives_s=60)[0])
    assert (caller.name, caller.grants, caller.may_create, caller.administrator) == ("", {}, False, False)


def test_the_first_key_that_can_sign_signs_and_a_public_key_only_verifies() -> None:
    backend = keys(ed_key())
    ours = keys(ed_key(private=False), hs_key())
    assert ours.verify(backend.mint("ann", lives_s=60)[0]).user == "ann"
    assert jwt.get_unverified_header(ours.mint("ann", lives_s=60)[0])["alg"] == "HS256"
    with pytest.raises(KeysInvalid):
        keys(ed_key(private=False)).mint("ann", lives_s=60)


def test_a_forged_signature() -> None:
    assert refusal(forged(secret=b"x" * 32)) is ErrorCode.UNAUTHENTICATED


def test_a_changed_claim() -> None:
    head, _, signature = forged().split(".")
    body = encoded(json.dumps({"sub": "root", "aud": "diqiucun", "exp": time.time() + 60, "admin": True}).encode())
    assert refusal(f"{head}.{body}.{signature}") is ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_no_algorithm_at_all(name: str) -> None:
    claims = {"sub": "ann", "aud": "diqiucun", "exp": time.time() + 60}
    for kid in ("hs", "ed"):
        assert refusal(by_hand({"alg": name, "typ": "JWT", "kid": kid}, claims)) is ErrorCode.UNAUTHENTICATED


def test_a_public_key_is_no_secret() -> None:
    """The confusion of RFC 8725: an HS256 token whose secret is the EdDSA key that everybody may know."""
    import hashlib
    import hmac

    claims = {"sub": "ann", "aud": "diqiucun", "exp": time.time() + 60}
    pem = ED.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (ED_PUBLIC, pem, encoded(ED_PUBLIC).encode()):
        unsigned = by_hand({"alg": "HS256", "typ": "JWT", "kid": "ed"}, claims).rpartition(".")[0]
        signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
        assert refusal(f"{unsigned}.{encoded(signature)}") is ErrorCode.UNAUTHENTICATED


def test_an_algorithm_of_another_key() -> None:
    assert refusal(forged(secret=ED, algorithm="EdDSA", kid="hs")) is ErrorCode.UNAUTHENTICATED
    assert refusal(forged(algorithm="HS256", kid="ed")) is ErrorCode.UNAUTHENTICATED


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_a_stronger_algorithm_than_the_key_is_for() -> None:
    assert refusal(forged(algorithm="HS512")) is ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize("kid", [None, "", "other", "../../etc/passwd", "hs\x00"])
def test_an_unknown_key(kid: str | None) -> None:
    assert refusal(forged(kid=kid)) is ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e300},
        {"exp": float("nan")},
        {"exp": -5},
        {"sub": None},
        {"sub": ""},
        {"sub": "no spaces"},
        {"sub": "newline\n"},
        {"name": 5},
        {"name": "x" * 161},
        {"rooms": {"plaza": "emperor"}},
        {"rooms": {"Not A Room": "guest"}},
        {"rooms": ["plaza"]},
        {"create": "yes"},
        {"admin": 1},
        {"nbf": 9e9},
    ],
)
def test_claims_that_cannot_be_used(claims: dict[str, Any]) -> None:
    assert refusal(forged(claims)) is ErrorCode.UNAUTHENTICATED


def test_an_audience_may_be_one_of_several() -> None:
    assert keys().verify(forged({"aud": ["other", "diqiucun"]})).user == "ann"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "ey", "\x00", "é.é.é", "x" * 5000, "e30.e30.", "W10.W10.W10"]
)
def test_what_is_no_token(token: str) -> None:
    assert refusal(token) is ErrorCode.UNAUTHENTICATED


def test_expired_within_the_leeway_is_still_good_and_beyond_it_is_told_apart() -> None:
    expires_s = int(time.time()) - 100
    token = forged({"exp": expires_s})
    assert keys(now_s=expires_s + LEEWAY_S - 0.5).verify(token).user == "ann"
    assert refusal(token, keys(now_s=expires_s + LEEWAY_S)) is ErrorCode.TOKEN_EXPIRED
    assert refusal(token) is ErrorCode.TOKEN_EXPIRED


def test_an_expired_forgery_is_a_forgery() -> None:
    assert refusal(forged({"exp": 1000}, secret=b"x" * 32)) is ErrorCode.UNAUTHENTICATED


@pytest.mark.parametrize("user", ["", "no spaces", "x" * 129])
def test_nothing_is_minted_that_would_be_refused(user: str) -> None:
    with pytest.raises(ValueError, match=r"\$\.sub"):
        keys().mint(user, lives_s=60)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": 5}',
        json.dumps({"keys": [hs_key()] * 17}),
        json.dumps({"keys": [hs_key(), hs_key()]}),
        json.dumps({"keys": [{**hs_key(), "k": encoded(b"short")}]}),
        json.dumps({"keys": [{**hs_key(), "k": "!!!"}]}),
        json.dumps({"keys": [{**hs_key(), "kid": ""}]}),
        json.dumps({"keys": [{**hs_key(), "alg": "RS256"}]}),
        json.dumps({"keys": [{**ed_key(), "crv": "X25519"}]}),
        json.dumps({"keys": [{**ed_key(), "d": encoded(b"z" * 32)}]}),
        json.dumps({"keys": [{**ed_key(), "x": encoded(b"z" * 5)}]}),
    ],
)
def test_key_files_that_cannot_be_used_are_refused_without_quoting_secrets(text: str) -> None:
    with pytest.raises(KeysInvalid) as refused:
        read_keys(text, "keys.json")
    assert "keys.json" in str(refused.value)
    assert encoded(SECRET) not in str(refused.value)


def _open(path: str) -> str:
    return TokenKeys.open(Path(path), "diqiucun", make=True).mint("ann", lives_s=60)[0]


@pytest.mark.slow
def test_processes_that_race_for_the_first_key_agree(tmp_path: Path) -> None:
    path = tmp_path / "fresh" / "token-keys.json"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        tokens = pool.map(_open, [str(path)] * 8)
    ours = TokenKeys.open(path, "diqiucun")
    assert [ours.verify(token).user for token in tokens] == ["ann"] * 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_named_key_file_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(KeysInvalid, match="cannot be read"):
        TokenKeys.open(tmp_path / "typo.json", "diqiucun")
    assert list(tmp_path.iterdir()) == []


def test_a_new_secret_is_a_usable_key() -> None:
    ours = keys(new_secret())
    assert ours.verify(ours.mint("ann", lives_s=60)[0]).user == "ann"
