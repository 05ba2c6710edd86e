"""`python -m ccmux` is `ccmux`."""

import sys

from ccmux.cli.entry import entry

sys.exit(entry())
