"""``python -m apiserver.openapi.build DIRECTORY NAME``: build an OpenAPI document, as a child of the server."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from apiserver.openapi import v3
from apiserver.openapi.library import V2, V2_PROTOBUF, store
from apiserver.openapi.protobuf import encode_document
from apiserver.openapi.v2 import swagger

NICENESS: Final = 5  # whoever waits for the document waits for the server's answers, too


def main(arguments: Sequence[str]) -> int:
    """Build the document; version 2 in both of its forms."""
    directory, name = Path(arguments[0]), arguments[1]
    os.nice(NICENESS)
    if name != V2:
        store(directory, name, orjson.dumps(v3.build(name)))
        return 0
    document = swagger(v3.everything())
    store(directory, V2_PROTOBUF, encode_document(document))
    store(directory, V2, orjson.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
