"""``python -m apiserver``."""

import gc
import sys

gc.disable()  # nothing that an import makes is garbage; looking for some takes a tenth of the time

import naru.client.http  # noqa: E402, F401  # loads aiohttp without the host's certificate authorities
from apiserver.main import main  # noqa: E402

gc.enable()

sys.exit(main())
