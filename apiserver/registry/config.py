"""ConfigMaps, Secrets and ServiceAccounts: plain data, of which only the amount is shown."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column, count
from apiserver.registry.strategy import Strategy
from naru.api.config_v1 import ConfigMap, Secret
from naru.api.durations import human_age
from naru.api.service_account_v1 import ServiceAccount


class ConfigMapStrategy(Strategy[ConfigMap]):
    """The rules of ConfigMaps."""

    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Data", "How many keys there are."), AGE)

    def row(self, obj: ConfigMap, now: datetime) -> list[Any]:
        """Count the keys."""
        keys = count(obj.data, obj.binary_data)
        return [obj.metadata.name, keys, human_age(obj.metadata.creation_timestamp, now)]


class SecretStrategy(Strategy[Secret]):
    """The rules of Secrets."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Type", "What the Secret holds."),
        Column("Data", "How many keys there are."),
        AGE,
    )

    def selectable_fields(self, obj: Secret) -> dict[str, str]:
        """Let clients ask for a type."""
        return {**super().selectable_fields(obj), "type": obj.type}

    def row(self, obj: Secret, now: datetime) -> list[Any]:
        """Show the type, and count the keys."""
        return [obj.metadata.name, obj.type, count(obj.data), human_age(obj.metadata.creation_timestamp, now)]


class ServiceAccountStrategy(Strategy[ServiceAccount]):
    """The rules of ServiceAccounts."""

    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Secrets", "How many Secrets belong to the account."), AGE)

    def row(self, obj: ServiceAccount, now: datetime) -> list[Any]:
        """Count the Secrets."""
        return [obj.metadata.name, len(obj.secrets), human_age(obj.metadata.creation_timestamp, now)]


STRATEGIES: Final = {
    "configmaps": ConfigMapStrategy(),
    "secrets": SecretStrategy(),
    "serviceaccounts": ServiceAccountStrategy(),
}
