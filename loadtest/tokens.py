"""Tokens as an integrator's own backend makes them: signed with the key file's secret, by PyJWT, without asking us.

The load test imports nothing of the gateway; that these tokens are accepted is part of what it tests.
"""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt


def mint(
    keys_path: Path,
    user: str,
    *,
    name: str = "",
    rooms: Mapping[str, str] | None = None,
    create: bool = False,
    admin: bool = False,
    lives_s: int = 6 * 3600,
    audience: str = "diqiucun",
) -> str:
    """A token for `user`; `rooms` maps room ids (or "*") to roles. Raises LookupError when no secret is there."""
    keys = json.loads(keys_path.read_text("utf-8"))["keys"]
    secret = next((key for key in keys if key["kty"] == "oct"), None)
    if secret is None:
        raise LookupError(f"{keys_path} holds no HS256 secret")
    encoded = secret["k"]
    signing = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    now_s = int(time.time())
    claims: dict[str, Any] = {
        "sub": user,
        "name": name or user,
        "aud": audience,
        "iat": now_s,
        "exp": now_s + lives_s,
        "rooms": dict(rooms or {}),
        "create": create,
        "admin": admin,
    }
    return jwt.encode(claims, signing, algorithm="HS256", headers={"kid": secret["kid"]})
