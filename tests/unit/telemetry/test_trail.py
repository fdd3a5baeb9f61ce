import pytest

from naru.api.meta import KubeObject, ObjectMeta
from naru.telemetry.trail import MAX_HEADER_BYTES, Cause, Span, Stopwatch, Trail, decode, encode

CAUSE = Cause("Deployment", "apps/v1", "default", "web", "u1", "811", "scaled up web-5d4 from 1 to 3")


class TestHeader:
    """A trail survives the header; what is not one is no trail."""

    def test_round_trip(self) -> None:
        spans = (Span("pull", 1_000_000, 5_300), Span("exec", 1_005_300, 900))
        assert decode(encode("nodeagent", CAUSE, spans)) == Trail("nodeagent", CAUSE, spans)

    def test_without_a_cause(self) -> None:
        assert decode(encode("cli")) == Trail("cli")

    def test_is_one_line_of_ascii(self) -> None:
        value = encode("x", Cause("Pod", "v1", "나루", "a\nb", "", "", "é"))
        assert value.isascii()
        assert value.isprintable()

    def test_drops_spans_that_do_not_fit(self) -> None:
        value = encode("nodeagent", CAUSE, [Span(f"step-{n}", n, n) for n in range(1000)])
        assert len(value) <= MAX_HEADER_BYTES
        trail = decode(value)
        assert trail is not None
        assert trail.spans[0].name == "step-0"

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param(None, id="no header"),
            pytest.param("", id="an empty header"),
            pytest.param("{", id="broken JSON"),
            pytest.param("[]", id="a list"),
            pytest.param("{}", id="no component"),
            pytest.param('{"component":"x","cause":"y"}', id="a cause that is no object"),
            pytest.param('{"component":"x","spans":[{"name":"a"}]}', id="a span without times"),
            pytest.param('{"component":"x","spans":3}', id="spans that are no list"),
            pytest.param("[" * 5000, id="nested too deep"),
            pytest.param('{"component":"' + "x" * 20_000 + '"}', id="too long"),
        ],
    )
    def test_refuses(self, value: str | None) -> None:
        assert decode(value) is None


def test_a_cause_names_the_object_and_the_revision_seen() -> None:
    meta = ObjectMeta(name="web", namespace="default", uid="u1", resource_version="811")
    obj = KubeObject(kind="Deployment", api_version="apps/v1", metadata=meta)
    assert Cause.of(obj, "scaled up web-5d4 from 1 to 3") == CAUSE


def test_a_span_is_kept_when_its_step_fails() -> None:
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError), watch.span("divide"):
        _ = 1 / 0
    assert [span.name for span in watch.spans] == ["divide"]
