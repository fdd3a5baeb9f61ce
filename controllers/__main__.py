"""``python -m controllers``."""

import sys

from controllers.main import main

sys.exit(main())
