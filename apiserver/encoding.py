"""Encoding: a JSON document as people and other programs want to read it."""

from typing import Final

import orjson

CACHE_CONTROL: Final = "no-cache, private"  # of every answer that may depend on who asks


def prettier(body: bytes) -> bytes:
    """Indent JSON, as upstream does for people: without a line end behind it."""
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)


def to_yaml(body: bytes) -> bytes:
    """Write JSON as YAML, fields in the order of their names."""
    import yaml  # seldom asked for

    text: str = yaml.dump(orjson.loads(body), Dumper=yaml.CSafeDumper, allow_unicode=True, width=1 << 30)
    return text.encode()
