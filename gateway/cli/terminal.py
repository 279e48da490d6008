"""What is said on the terminal: results on standard output, everything else on standard error, so that a script can
take the one and a person reads both. `fail` ends a command with words and status 1."""

from typing import Final, NoReturn

import typer
from rich.console import Console

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(words: str) -> NoReturn:
    err.print(words, markup=False)
    raise typer.Exit(1)
