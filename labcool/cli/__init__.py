"""The command line. Heavy imports happen inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

import sys

from labcool.errors import ConfigurationError


def main() -> None:
    """Run ``labcool`` as a program and exit with its code."""
    from labcool.cli.app import app
    from labcool.cli.exit_codes import WRONG_USAGE
    from labcool.packages import check_packages

    try:
        check_packages()
    except ConfigurationError as error:
        sys.stderr.write(f"labcool: {error}\n")
        sys.exit(WRONG_USAGE)
    app()
