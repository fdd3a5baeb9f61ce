"""Defaults of volumes and of the drivers behind them."""

from typing import Any, Final

from naru.api.persistent_volume_v1 import PersistentVolume
from naru.api.storage_v1 import CSIDriver


def default_persistent_volume(volume: PersistentVolume) -> PersistentVolume:
    """Keep the data when the claim goes, and give containers a directory; not so for a volume inside an attachment."""
    spec = volume.spec
    update: dict[str, Any] = {
        "persistent_volume_reclaim_policy": spec.persistent_volume_reclaim_policy or "Retain",
        "volume_mode": "Filesystem" if spec.volume_mode is None else spec.volume_mode,
    }
    return volume.model_copy(update={"spec": spec.model_copy(update=update)})


def default_csi_driver(driver: CSIDriver) -> CSIDriver:
    """Let a driver that does not say it serve claims."""
    if driver.spec.volume_lifecycle_modes:
        return driver
    spec = driver.spec.model_copy(update={"volume_lifecycle_modes": ("Persistent",)})
    return driver.model_copy(update={"spec": spec})


DEFAULTS: Final = {CSIDriver: default_csi_driver, PersistentVolume: default_persistent_volume}
