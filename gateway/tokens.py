"""Who is calling: tokens are signed here, or by an integrator's own backend, and verified here.

Invariant: a token is verified with the algorithm that belongs to its key, never with the one the token asks for
(RFC 8725 section 3.1: otherwise an EdDSA public key serves as an HMAC secret, and `none` opens every door). `aud` and
`exp` are required: a token for another service is not for us, and none is for ever.

Keys are a JSON Web Key Set (RFC 7517): `oct` for HS256, `OKP`/Ed25519 for EdDSA. The first key that can sign, signs;
a public key without `d` lets an integrator's backend mint tokens that we can only verify.
"""

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from chat.errors import ErrorCode, Rejected
from chat.events import Role
from chat.ids import UserId
from chat.limits import NAME_CHARS_MAX
from chat.room import Caller

LEEWAY_S: Final = 10
"""Clocks of two servers differ by seconds; more would be a wrong clock."""
TOKEN_CHARS_MAX: Final = 4096
SECRET_BYTES_MIN: Final = 32
"""RFC 7518 section 3.2: an HS256 key is at least as long as the hash."""
KEYS_MAX: Final = 16

SigningKey = bytes | Ed25519PrivateKey
VerifyingKey = bytes | Ed25519PublicKey


class KeysInvalid(Exception):
    """The key file cannot be used. One sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Key:
    kid: str
    algorithm: str
    verifying: VerifyingKey
    signing: SigningKey | None


_AnyRoom = Annotated[str, Meta(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,63})(?!\n)$")]


class Claims(Struct, frozen=True, kw_only=True):
    """What a token says. Claims unknown to us are ignored, as RFC 7519 section 4 demands."""

    sub: UserId
    exp: Annotated[float, Meta(gt=0, lt=1e11)]
    name: Annotated[str, Meta(max_length=NAME_CHARS_MAX)] = ""
    rooms: Annotated[dict[_AnyRoom, Role], Meta(max_length=1000)] = {}
    create: bool = False
    admin: bool = False


class TokenKeys:
    """The keys of one deployment, and what is done with them."""

    def __init__(self, keys: tuple[Key, ...], audience: str, *, now_s: Callable[[], float] = time.time) -> None:
        self._keys = {key.kid: key for key in keys}
        self._signing = next((key for key in keys if key.signing is not None), None)
        self._audience = audience
        self._now_s = now_s

    @classmethod
    def open(cls, path: Path, audience: str, *, make: bool = False) -> "TokenKeys":
        """The keys in `path`; with `make`, a new secret when there is no such file. Raises KeysInvalid."""
        if make:
            _make_once(path)
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeysInvalid(f"the token keys in {path} cannot be read: {error}") from None
        return cls(read_keys(text, str(path)), audience)

    def mint(
        self,
        user: str,
        *,
        lives_s: float,
        name: str = "",
        rooms: Mapping[str, Role] | None = None,
        create: bool = False,
        admin: bool = False,
    ) -> tuple[str, int]:
        """A token, and when it expires in ms since 1970. Raises KeysInvalid when no key here can sign, ValueError for
        claims that we would refuse ourselves."""
        key = self._signing
        if key is None or key.signing is None:
            raise KeysInvalid("the key file holds only public keys; tokens must be minted where the private key is")
        issued_s = int(self._now_s())
        expires_s = issued_s + int(lives_s)
        claims: dict[str, Any] = {
            "sub": user,
            "aud": self._audience,
            "iat": issued_s,
            "exp": expires_s,
            "jti": secrets.token_hex(8),
        }
        if name:
            claims["name"] = name
        if rooms:
            claims["rooms"] = dict(rooms)
        if create:
            claims["create"] = True
        if admin:
            claims["admin"] = True
        try:
            msgspec.convert(claims, Claims)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        token = jwt.encode(claims, key.signing, algorithm=key.algorithm, headers={"kid": key.kid})
        return token, expires_s * 1000

    def verify(self, token: str) -> Caller:
        """Raises Rejected (UNAUTHENTICATED, TOKEN_EXPIRED), and nothing else."""
        claims = self._claims(token)
        if claims.exp + LEEWAY_S <= self._now_s():
            raise Rejected(ErrorCode.TOKEN_EXPIRED)
        return Caller(
            user=claims.sub,
            name=claims.name,
            grants=claims.rooms,
            may_create=claims.create,
            administrator=claims.admin,
            expires_at_ms=int(claims.exp * 1000),
        )

    def _claims(self, token: str) -> Claims:
        if len(token) > TOKEN_CHARS_MAX:
            raise Rejected(ErrorCode.UNAUTHENTICATED, "the token is too long to be one of ours")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise Rejected(ErrorCode.UNAUTHENTICATED, "the token names a key (kid) that this server does not have")
            payload = jwt.decode(
                token,
                key.verifying,
                algorithms=[key.algorithm],
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "aud", "sub"], "verify_exp": False, "verify_iat": False},
            )
            return msgspec.convert(payload, Claims)
        except jwt.InvalidAudienceError:
            raise Rejected(ErrorCode.UNAUTHENTICATED, "the token is meant for another service (aud)") from None
        except jwt.MissingRequiredClaimError as error:
            raise Rejected(ErrorCode.UNAUTHENTICATED, f"the token has no {error.claim}") from None
        except msgspec.ValidationError as error:
            raise Rejected(ErrorCode.UNAUTHENTICATED, f"a claim of the token cannot be used: {error}"[:200]) from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise Rejected(ErrorCode.UNAUTHENTICATED) from None


def read_keys(text: str, where: str) -> tuple[Key, ...]:
    """The keys of a JSON Web Key Set. Raises KeysInvalid, never quoting a secret."""
    try:
        document = json.loads(text)
        entries = document["keys"]
        if not isinstance(entries, list) or not 1 <= len(entries) <= KEYS_MAX:
            raise TypeError
    except (ValueError, TypeError, KeyError):
        raise KeysInvalid(
            f'{where} is no JSON Web Key Set; expected {{"keys": [...]}} with 1 to {KEYS_MAX} keys'
        ) from None
    keys = tuple(_read_key(entry, f"key {number} in {where}") for number, entry in enumerate(entries, 1))
    if len({key.kid for key in keys}) != len(keys):
        raise KeysInvalid(f"two keys in {where} have the same kid")
    return keys


def new_secret() -> dict[str, str]:
    """A fresh HS256 key."""
    return {"kty": "oct", "kid": secrets.token_hex(4), "alg": "HS256", "k": _encoded(secrets.token_bytes(32))}


def _read_key(entry: Any, where: str) -> Key:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        raise KeysInvalid(f"{where} has no kid")
    kind = (entry.get("kty"), entry.get("alg"))
    try:
        if kind == ("oct", "HS256"):
            secret = _decoded(entry["k"])
            if len(secret) < SECRET_BYTES_MIN:
                raise KeysInvalid(f"{where} is shorter than {SECRET_BYTES_MIN} bytes; make one with `openssl rand`")
            return Key(entry["kid"], "HS256", secret, secret)
        if kind == ("OKP", "EdDSA") and entry.get("crv") == "Ed25519":
            public = Ed25519PublicKey.from_public_bytes(_decoded(entry["x"]))
            private = Ed25519PrivateKey.from_private_bytes(_decoded(entry["d"])) if "d" in entry else None
            if private is not None and private.public_key() != public:
                raise KeysInvalid(f"x and d of {where} do not belong together")
            return Key(entry["kid"], "EdDSA", public, private)
    except (KeyError, ValueError, TypeError):
        raise KeysInvalid(f"{where} cannot be read; expected base64url in k, or in x and d") from None
    raise KeysInvalid(f"{where} is of another kind; expected kty oct with alg HS256, or OKP/Ed25519 with alg EdDSA")


def _make_once(path: Path) -> None:
    """Several processes of a first start race here; whoever holds the lock makes the file whole or finds it."""
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeysInvalid(f"token keys cannot be made in {path.parent}: {error}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
            json.dump({"keys": [new_secret()]}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        raise KeysInvalid(f"token keys cannot be made in {path.parent}: {error}") from None
    finally:
        os.close(lock)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
