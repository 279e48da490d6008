"""The `diqiucun` command: composition root of everything that is started by hand.

Invariant: whatever goes wrong, a person reads what was wrong, what was expected and what to do, and scripts read an
exit status: 0 done, 1 not done, 2 wrong usage or wrong settings. A traceback on the terminal is a bug of ours, also
when Ctrl-C comes while modules are still being loaded: so the commands are imported inside `main`. Modules of the roles
are imported inside the commands, so that `--help` answers at once and a gateway needs nothing of the translator.
"""

import sys

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of `diqiucun` and `python -m gateway`."""
    try:
        from gateway.cli.commands import main as run

        run(arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


__all__ = ["main"]
