"""The command line. Heavy imports happen inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

import io
import sys
from typing import cast

from labcool.errors import ConfigurationError


def main() -> None:
    """Run ``labcool`` as a program and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without "±" or "²" must not break off a run.
            stream.reconfigure(errors="replace")
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    import typer

    from labcool.cli.app import app
    from labcool.cli.exit_codes import ABORTED, WRONG_USAGE
    from labcool.cli.summary import Summary
    from labcool.packages import check_packages

    # Typer names the base of its usage errors only in some of its versions.
    usage_error = cast(type[typer.BadParameter], typer.BadParameter.__mro__[1])
    try:
        check_packages()
        return int(app(arguments, prog_name="labcool", standalone_mode=False) or 0)
    except ConfigurationError as error:
        summary, code = Summary("refused", error=str(error)), WRONG_USAGE
        sys.stderr.write(f"labcool: {error}\n")
    except usage_error as error:
        summary, code = Summary("refused", error=error.format_message()), WRONG_USAGE
        error.show()
    except (KeyboardInterrupt, typer.Abort):
        summary, code = Summary("aborted", error="Ctrl+C"), ABORTED
    if "--json" in arguments:
        sys.stdout.write(summary.as_json() + "\n")
    return code
