"""The CRI log format."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nodeagent.runtime.cri_log import MAX_LINE_BYTES, CriLog


def lines(path: Path) -> list[tuple[str, str, bytes]]:
    """Return (stream, tag, text) of each line."""
    result = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        _time, stream, tag, text = line.split(b" ", 3)
        result.append((stream.decode(), tag.decode(), text))
    return result


class TestCriLog:
    """Whatever pieces a stream comes in, its text can be put together again."""

    def test_lines(self, tmp_path: Path) -> None:
        log = CriLog(tmp_path / "log")
        log.write("stdout", b"one\ntwo\n\nhal")
        log.write("stderr", b"error\n")
        log.write("stdout", b"f\n")
        assert lines(tmp_path / "log") == [
            ("stdout", "F", b"one"),
            ("stdout", "F", b"two"),
            ("stdout", "F", b""),
            ("stderr", "F", b"error"),
            ("stdout", "F", b"half"),
        ]
        log.close()

    def test_a_line_without_its_end_is_written_when_the_stream_ends(self, tmp_path: Path) -> None:
        log = CriLog(tmp_path / "log")
        log.write("stdout", b"rest")
        assert lines(tmp_path / "log") == []
        log.finish("stdout")
        assert lines(tmp_path / "log") == [("stdout", "F", b"rest")]
        log.close()

    def test_a_long_line_is_written_in_parts(self, tmp_path: Path) -> None:
        log = CriLog(tmp_path / "log")
        log.write("stdout", b"x" * (2 * MAX_LINE_BYTES + 5) + b"\n")
        assert [(tag, len(text)) for _, tag, text in lines(tmp_path / "log")] == [
            ("P", MAX_LINE_BYTES),
            ("P", MAX_LINE_BYTES),
            ("F", 5),
        ]
        log.close()

    @given(pieces=st.lists(st.binary(max_size=40_000), max_size=6))
    def test_nothing_is_lost_or_added(self, tmp_path_factory: object, pieces: list[bytes]) -> None:
        path = tmp_path_factory.mktemp("log") / "log"  # type: ignore[attr-defined]
        log = CriLog(path)
        for piece in pieces:
            log.write("stdout", piece)
        log.finish("stdout")
        log.close()
        text = b"".join(part + (b"\n" if tag == "F" else b"") for _, tag, part in lines(path))
        said = b"".join(pieces)
        assert text == (said if said.endswith(b"\n") or not said else said + b"\n")
        assert all(len(part) <= MAX_LINE_BYTES for _, _, part in lines(path))
