"""Moments: what is written can be read again, whatever the year."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.coordination_v1 import LeaseSpec
from naru.api.meta import ObjectMeta

ZONES = st.timezones() | st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(841, 12, 12, 5, 23, 27, tzinfo=UTC), "0841-12-12T05:23:27Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31T23:00:00Z"),
    ],
)
def test_text(moment: datetime, text: str) -> None:
    assert ObjectMeta(creation_timestamp=moment).wire() == {"creationTimestamp": text}


@given(st.datetimes(timezones=ZONES))
def test_what_is_written_can_be_read(moment: datetime) -> None:
    lease, meta = LeaseSpec(renew_time=moment), ObjectMeta(creation_timestamp=moment)
    assert LeaseSpec.model_validate_json(lease.wire_json(), strict=True).wire() == lease.wire()
    assert ObjectMeta.model_validate_json(meta.wire_json(), strict=True).wire() == meta.wire()
