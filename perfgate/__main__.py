"""Where the process starts: the version is answered at once, everything else goes to the command line."""

from __future__ import annotations

import sys

from perfgate import __version__


def main() -> int:
    """Run perfgate with the process's arguments and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"perfgate {__version__}\n")
        return 0
    from perfgate.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
