"""Objects as YAML and JSON, the way kubectl prints them."""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from cli.faults import ExitCode, Fault


def render(objects: Sequence[dict[str, Any]], form: str, *, as_list: bool) -> str:
    """Write objects as ``yaml`` or ``json``; several become one ``List``."""
    shown = [_without_managed_fields(item) for item in objects]
    listed = {"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}}
    body: dict[str, Any] = listed if as_list else shown[0]
    if form == "json":
        return json.dumps(body, indent=4, ensure_ascii=False)
    return yaml.dump(body, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=1_000_000).rstrip("\n")


def check_form(form: str, allowed: Sequence[str]) -> None:
    """Refuse an output format that the verb does not have."""
    if form and form not in allowed:
        raise Fault(f"--output {form!r}: must be one of {', '.join(allowed)}", code=ExitCode.USAGE)


def _without_managed_fields(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only machines read, as kubectl does."""
    metadata = {name: value for name, value in item.get("metadata", {}).items() if name != "managedFields"}
    return item | {"metadata": metadata}


class _Dumper(yaml.SafeDumper):
    """YAML with texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
