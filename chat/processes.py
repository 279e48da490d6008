"""What a process of ours is called, in the engine's rows, in logs and in figures."""

import os
import secrets
import socket

HOST_CHARS_MAX = 40


def process_name() -> str:
    """Its machine, its number there, and chance: no other process has had it, so what is held under it is its own."""
    return f"{socket.gethostname()[:HOST_CHARS_MAX]}-{os.getpid()}-{secrets.token_hex(4)}"
