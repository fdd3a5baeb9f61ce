"""Headers of HTTP/2 without a shared table: written plainly, read in either form."""

import pytest

from apiserver.storage import hpack


class TestHuffman:
    """The examples of RFC 7541, appendix C."""

    @pytest.mark.parametrize(
        ("packed", "text"),
        [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            (
                "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
        ],
    )
    def test_a_packed_text_is_read(self, packed: str, text: str) -> None:
        assert hpack.unpack(bytes.fromhex(packed)) == text

    @pytest.mark.parametrize("packed", ["ffffffff", "00", "f1e3c2e500"])
    def test_what_is_no_packed_text_is_refused(self, packed: str) -> None:
        with pytest.raises(ValueError, match="packed text"):
            hpack.unpack(bytes.fromhex(packed))


class TestFields:
    def test_what_is_written_can_be_read(self) -> None:
        fields = {":path": "/etcdserverpb.KV/Txn", "te": "trailers"}
        assert hpack.decode(hpack.encode(fields)) == fields

    def test_fields_of_http_s_own_table_are_passed_over(self) -> None:
        status, content_type = b"\x88", b"\x0f\x10\x10application/grpc"
        assert hpack.decode(b"\x20" + status + content_type + hpack.encode({"grpc-status": "5"})) == {
            "grpc-status": "5"
        }

    def test_packed_names_and_values_are_unpacked(self) -> None:
        block = bytes.fromhex("00 88 25a849e95ba97d7f 89 25a849e95bb8e8b4bf")
        assert hpack.decode(block) == {"custom-key": "custom-value"}

    def test_a_long_text_has_a_long_length(self) -> None:
        assert hpack.decode(b"\0\x01a\x7f\x80\x01" + b"x" * 255) == {"a": "x" * 255}

    @pytest.mark.parametrize("block", [b"\0", b"\0\x05abc", b"\0\x01a\x7f\xff"])
    def test_a_block_that_is_cut_short_is_refused(self, block: bytes) -> None:
        with pytest.raises(ValueError, match="cut short"):
            hpack.decode(block)
