"""Pointers from one object to another, or to one value inside it.

Source: Kubernetes API reference, core/v1.
"""

from naru.api.model import Model
from naru.api.quantity import Quantity


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    name: str = ""


class ObjectReference(Model):
    """An object anywhere, named as exactly as the writer could."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    resource_version: str = ""
    field_path: str = ""


class TypedLocalObjectReference(Model):
    """An object of any kind in the same namespace."""

    api_group: str | None = None
    kind: str
    name: str


class TypedObjectReference(Model):
    """An object of any kind, perhaps in another namespace."""

    api_group: str | None = None
    kind: str
    name: str
    namespace: str | None = None


class ConfigMapKeySelector(LocalObjectReference):
    """One key of a ConfigMap."""

    key: str
    optional: bool | None = None


class SecretKeySelector(LocalObjectReference):
    """One key of a Secret."""

    key: str
    optional: bool | None = None


class FileKeySelector(Model):
    """One variable of an env file in a volume of the pod."""

    volume_name: str
    path: str
    key: str
    optional: bool | None = None


class ObjectFieldSelector(Model):
    """A field of the pod itself, as a path such as ``metadata.name``."""

    api_version: str = "v1"
    field_path: str


class ResourceFieldSelector(Model):
    """A limit or request of one of the pod's containers, in units of ``divisor``."""

    container_name: str = ""
    resource: str
    divisor: Quantity = "0"  # 0 stands for 1
