"""Messages between agent and shim, and what the shim keeps on disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nodeagent.runtime.protocol import Decoder, encode, from_wire, to_wire
from nodeagent.runtime.records import load_spec, load_states, save_spec, save_state
from nodeagent.runtime.spec import (
    CgroupLimits,
    ContainerPhase,
    ContainerSpec,
    ContainerState,
    Mount,
    SandboxSpec,
    SandboxState,
    Span,
)

SANDBOX = SandboxSpec(
    "uid",
    "ns",
    "name",
    "host",
    Path("/run/x"),
    Path("/roots"),
    Path("/logs"),
    "burstable/poduid",
    sysctls={"net.a": "1"},
)
CONTAINER = ContainerSpec(
    "id",
    "main",
    2,
    ("sh", "-c", "true"),
    (Path("/a"), Path("/b")),
    Path("/log"),
    env=(("A", "1"), ("B", "")),
    mounts=(Mount("/data", Path("/src"), read_only=True), Mount("/tmp", tmpfs_size_bytes=5)),
    limits=CgroupLimits(cpu_shares=2),
    capabilities=("CAP_KILL",),
)
STATE = ContainerState("id", "main", 2, ContainerPhase.EXITED, exit_code=7, spans=(Span("exec", 1, 2),))


class TestWire:
    """What is sent is what arrives."""

    @pytest.mark.parametrize(
        "value",
        [SANDBOX, CONTAINER, replace(CONTAINER, capabilities=None), STATE, SandboxState(SANDBOX, 1, None, (STATE,))],
        ids=["sandbox spec", "container spec", "without capabilities", "container state", "sandbox state"],
    )
    def test_dataclasses_survive_the_journey(self, value: object) -> None:
        assert from_wire(type(value), json.loads(json.dumps(to_wire(value)))) == value

    def test_what_a_newer_version_added_is_ignored(self) -> None:
        assert from_wire(ContainerState, to_wire(STATE) | {"news": 1}) == STATE

    def test_what_is_missing_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"Span without \['duration_us'\]"):
            from_wire(Span, {"name": "x", "start_unix_us": 1})

    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_messages_come_in_any_pieces(self, size: int) -> None:
        stream = encode({"id": 1}) + encode({"id": 2, "text": "a\nb"}) + encode({"id": 3})
        decoder = Decoder()
        pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [message["id"] for piece in pieces for message, _ in decoder.feed(piece)] == [1, 2, 3]

    def test_descriptors_go_to_the_messages_they_came_with(self) -> None:
        decoder = Decoder()
        messages = list(decoder.feed(encode({"id": 1}, 2) + encode({"id": 2}) + encode({"id": 3}, 1), [10, 11, 12]))
        assert messages == [({"id": 1}, [10, 11]), ({"id": 2}, []), ({"id": 3}, [12])]


class TestRecords:
    """What was written is read, what was cut short is passed over."""

    def test_spec_and_states(self, tmp_path: Path) -> None:
        spec = replace(SANDBOX, run_dir=tmp_path)
        assert load_spec(tmp_path) is None
        save_spec(spec)
        assert load_spec(tmp_path) == spec
        (tmp_path / "containers/id").mkdir(parents=True)
        save_state(tmp_path, STATE, durable=True)
        assert load_states(tmp_path) == [STATE]
        (tmp_path / "containers/torn").mkdir()
        (tmp_path / "containers/torn/state.json").write_text('{"id": "to')
        assert load_states(tmp_path) == [STATE]
