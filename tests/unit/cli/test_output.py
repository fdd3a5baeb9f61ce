"""How objects and spans of time are written."""

import json

import pytest
import yaml

from cli.durations import parse_duration, short_duration
from cli.faults import Fault
from cli.tables import plain_table
from cli.verbs.output import render

OBJECT = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "managedFields": [{}]},
    "data": {"b": "1\n2\n"},
}


class TestRender:
    """YAML and JSON say the same, and leave out what only machines read."""

    @pytest.mark.parametrize("form", ["yaml", "json"])
    def test_round_trip(self, form: str) -> None:
        expected = OBJECT | {"metadata": {"name": "a"}}
        assert yaml.safe_load(render([OBJECT], form, as_list=False)) == expected

    def test_texts_of_several_lines_are_blocks(self) -> None:
        assert "b: |\n" in render([OBJECT], "yaml", as_list=False)

    def test_no_objects_are_an_empty_list(self) -> None:
        assert json.loads(render([], "json", as_list=True))["items"] == []


class TestDurations:
    """As people write them, and as tables show them."""

    @pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("1h30m", 5400), ("250ms", 0.25), ("5", 5), ("0", 0)])
    def test_read(self, text: str, seconds: float) -> None:
        assert parse_duration(text, "--timeout") == seconds

    @pytest.mark.parametrize("text", ["", "soon", "5x", "s", "-"])
    def test_refused_by_its_flag(self, text: str) -> None:
        with pytest.raises(Fault, match="--timeout"):
            parse_duration(text, "--timeout")

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (3600, "60m"), (11_000, "3h3m"), (200_000, "2d7h")],
    )
    def test_written(self, seconds: float, text: str) -> None:
        assert short_duration(seconds) == text


def test_columns_are_aligned() -> None:
    assert plain_table(("A", "B"), [["long", "x"], ["s", "y"]]) == "A      B\nlong   x\ns      y"
