import io
import logging
import sys

import pytest

from naru.telemetry.logs import LineFormatter, configure, quote


def line(message: str, **fields: object) -> str:
    record = logging.makeLogRecord({"msg": message, "levelno": logging.INFO, "levelname": "INFO", "created": 0.0})
    vars(record).update(fields)
    return LineFormatter("scheduler").format(record)


class TestLineFormatter:
    """A record is one line: time, level, component, message, fields."""

    def test_line(self) -> None:
        assert line("pod bound", node="node-1") == "1970-01-01T00:00:00.000Z INFO    scheduler pod bound node=node-1"

    def test_a_traceback_follows(self) -> None:
        try:
            raise ValueError("boom")
        except ValueError:
            text = line("failed", exc_info=sys.exc_info())
        assert text.splitlines()[-1] == "ValueError: boom"


class TestQuote:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            pytest.param("node-1", "node-1", id="a plain word stays plain"),
            pytest.param(3, "3", id="a number is written as it is"),
            pytest.param("", '""', id="an empty value is seen"),
            pytest.param("a b", '"a b"', id="a space is quoted"),
            pytest.param("a\nb", '"a\\nb"', id="a newline cannot break the line"),
            pytest.param("a=b", '"a=b"', id="an equals sign is quoted"),
        ],
    )
    def test_quote(self, value: object, text: str) -> None:
        assert quote(value) == text


class TestConfigure:
    def test_replaces_the_handlers_of_the_parent_process(self) -> None:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        first, second = io.StringIO(), io.StringIO()
        try:
            configure("parent", stream=first)
            configure("child", "debug", stream=second)
            logging.getLogger("x").debug("hello")
        finally:
            root.handlers[:], root.level = handlers, level
        assert first.getvalue() == ""
        assert second.getvalue().endswith("DEBUG   child hello\n")
