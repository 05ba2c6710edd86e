"""`python -m ccmux` is `ccmux`."""

import sys

from ccmux.cli.main import entry

sys.exit(entry())
