"""A generated name that is taken is made anew, and only so often."""

from types import SimpleNamespace
from typing import Any

import pytest

from apiserver.handlers import create
from naru.api.config_v1 import ConfigMap
from naru.api.errors import AlreadyExists
from naru.api.meta import ObjectMeta


@pytest.mark.parametrize(("taken", "succeeds"), [(0, True), (7, True), (8, False)])
async def test_attempts(monkeypatch: pytest.MonkeyPatch, taken: int, succeeds: bool) -> None:
    tries = 0

    async def store_once(*_: Any) -> str:
        nonlocal tries
        tries += 1
        if tries <= taken:
            raise AlreadyExists('configmaps "a-x" already exists', details={"name": "a-x", "kind": "configmaps"})
        return "written"

    monkeypatch.setattr(create, "_store_once", store_once)
    call: Any = SimpleNamespace()
    obj = ConfigMap(metadata=ObjectMeta(generate_name="a-"))
    if succeeds:
        assert await create._store(call, obj) == "written"  # type: ignore[comparison-overlap]
        return
    with pytest.raises(AlreadyExists) as caught:
        await create._store(call, obj)
    status = caught.value.status()
    assert status["message"] == (
        'configmaps "a-x" already exists, the server was not able to generate a unique name for the object'
    )
    assert status["details"] == {"name": "a-x", "kind": "configmaps", "retryAfterSeconds": 1}
