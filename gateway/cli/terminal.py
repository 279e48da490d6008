"""What is said on the terminal: results on standard output, everything else on standard error, so that a script can
take the one and a person reads both. `fail` ends a command with words and status 1; `told` is for who goes on working
whether or not anybody reads."""

import os
from typing import Final, NoReturn, TextIO

import typer
from rich.console import Console

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(words: str) -> NoReturn:
    err.print(words, markup=False)
    raise typer.Exit(1)


def told(line: str, stream: TextIO) -> None:
    """A line of a server. The terminal may be closed and `| tee log` end with the same Ctrl-C as we do: what still runs
    must then be ended in order, so words that nobody can read are no failure."""
    try:
        print(line, file=stream, flush=True)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
