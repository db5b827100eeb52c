"""One `gate` on 50 series × 30 runs in a prepared repository, so that it can be measured as one command.

The repository is made once, in the system's folder for temporary files, and kept there for the next run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Prepare the repository where it is not there yet, then be the gate."""
    from perfgate import __version__

    folder = Path(tempfile.gettempdir()) / f"perfgate-gate-{os.getuid()}-{__version__}"
    if not (folder / ".ready").exists():
        from start_up import prepare

        subprocess.run(["rm", "-rf", str(folder)], check=True)
        folder.mkdir(mode=0o700)
        prepare(folder)
        (folder / ".ready").touch()
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("GITHUB_") or name == "CI"]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execv(sys.executable, [sys.executable, "-m", "perfgate", "gate", "--fail-on", "never"])


if __name__ == "__main__":
    main()
