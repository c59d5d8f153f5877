"""`python -m millstream`: the `millstream` command."""

import sys

from millstream.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
