"""What a person reads when a command could not do its work, and the status that a script reads.

Invariant: failures that are expected end here as one line in red; what is not in the table is a bug of ours and keeps
its traceback. Their modules are imported here and not above, and those of the translator only where it is installed.
"""

import contextlib
import os
import sys
from collections.abc import Callable

from gateway.cli.terminal import err
from gateway.settings import SettingsInvalid


def guarded(run: Callable[[], None]) -> None:
    from chat.adapters.embedded import EngineFailed
    from chat.errors import CommandFailed
    from gateway.supervisor import SupervisionFailed
    from gateway.tokens import KeysInvalid
    from gateway.up import CannotStart

    expected: tuple[type[Exception], ...] = (
        EngineFailed,
        CommandFailed,
        SupervisionFailed,
        KeysInvalid,
        CannotStart,
    )
    with contextlib.suppress(ImportError):
        from translator.downloads import PackageUnavailable
        from translator.packages import PackageInvalid

        expected += (PackageUnavailable, PackageInvalid)
    try:
        run()
    except SettingsInvalid as error:
        err.print(str(error), markup=False, style="red")
        sys.exit(2)
    except expected as error:
        err.print(str(error), markup=False, style="red")
    except BaseExceptionGroup as group:
        known, unknown = group.split(expected)
        if unknown is not None or known is None:
            raise
        err.print(str(_first(known)), markup=False, style="red")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    else:
        return
    sys.exit(1)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
