"""The `diqiucun` command: composition root of everything that is started by hand.

Invariant: whatever goes wrong, a person reads what was wrong, what was expected and what to do, and scripts read an
exit status: 0 done, 1 not done, 2 wrong usage or wrong settings. A traceback on the terminal is a bug of ours. Modules
of the roles are imported inside the commands, so that `--help` answers at once and a gateway needs nothing of the
translator.
"""

from gateway.cli.commands import cli, main

__all__ = ["cli", "main"]
