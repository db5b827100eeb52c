"""Replays the compare engine over folders of CSV files and prints how often it is wrong and what it sees.

python tests/benchmarks/decisions.py FOLDER… [--json FILE] [--markdown] [--half tune|hold|all] [--most N] [--groups N] [--no-peers]
"""

from __future__ import annotations

import sys

from deciding.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
