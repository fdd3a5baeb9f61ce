"""Run the command from a source tree: ``python -m cli``."""

from cli.main import main

raise SystemExit(main())
