"""What a client asks of a container's streams, as the node is told."""

import pytest
from multidict import MultiDict

from apiserver.node_proxy.parameters import stream_query


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param({"stdin": "true", "stdout": "1"}, [("input", "1"), ("output", "1")], id="kubelet's names"),
        pytest.param({"stdout": "true", "stderr": "false"}, [("output", "1")], id="false is not asked for"),
        pytest.param(
            {"stdout": "true", "stderr": "true", "tty": "true"},
            [("output", "1"), ("tty", "1")],
            id="a terminal has one output",
        ),
    ],
)
def test_streams(asked: dict[str, str], told: list[tuple[str, str]]) -> None:
    assert stream_query(MultiDict(asked)) == told
