"""Invitation codes and the links around them.

A code is a secret of 60 bits in letters that nobody confuses when reading them aloud (Crockford's base32 has no I, L,
O, U). It stands behind the `#` of a link, where browsers keep it: it reaches neither proxies nor their logs.
"""

import re
import secrets
from typing import Annotated, Final

from msgspec import Meta

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS: Final = 12
CODE_PATTERN: Final = r"^[A-Za-z0-9_-]{4,64}(?!\n)$"
InviteCode = Annotated[str, Meta(pattern=CODE_PATTERN, description="an invitation code")]


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))


def is_code(text: str) -> bool:
    return re.match(CODE_PATTERN, text) is not None


def invite_link(base_url: str, code: str) -> str:
    return f"{base_url.rstrip('/')}/#/i/{code}"
