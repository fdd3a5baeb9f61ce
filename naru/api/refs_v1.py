"""Pointers from one object to another, or to one value inside it.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.model import REQUIRED, Model
from naru.api.quantity import Quantity


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    atomic: ClassVar[bool] = True
    name: str = ""  # name of the object


class ObjectReference(Model):
    """An object anywhere, named as exactly as the writer could."""

    atomic: ClassVar[bool] = True
    kind: str = ""  # kind of the object
    namespace: str = ""  # namespace of the object; empty if its kind has none
    name: str = ""  # name of the object
    uid: str = ""  # uid of the object
    api_version: str = ""  # group and version of its kind
    resource_version: str = ""  # revision of the object, if a certain one is meant
    field_path: str = ""  # part of the object, such as spec.containers{web}


class TypedLocalObjectReference(Model):
    """An object of any kind in the same namespace."""

    atomic: ClassVar[bool] = True
    api_group: str | None = None  # group of its kind; unset: the core group
    kind: Annotated[str, REQUIRED] = ""  # kind of the object
    name: Annotated[str, REQUIRED] = ""  # name of the object


class TypedObjectReference(Model):
    """An object of any kind, perhaps in another namespace."""

    api_group: str | None = None  # group of its kind; unset: the core group
    kind: Annotated[str, REQUIRED] = ""  # kind of the object
    name: Annotated[str, REQUIRED] = ""  # name of the object
    namespace: str | None = None  # namespace of the object; unset: this one


class ConfigMapKeySelector(LocalObjectReference):
    """One key of a ConfigMap."""

    protobuf: ClassVar[str] = "1.1 2 3"
    atomic: ClassVar[bool] = True
    key: Annotated[str, REQUIRED] = ""  # key whose value is taken
    optional: bool | None = None  # true: no error if the object or the key is missing


class SecretKeySelector(LocalObjectReference):
    """One key of a Secret."""

    protobuf: ClassVar[str] = "1.1 2 3"
    atomic: ClassVar[bool] = True
    key: Annotated[str, REQUIRED] = ""  # key whose value is taken
    optional: bool | None = None  # true: no error if the object or the key is missing


class FileKeySelector(Model):
    """One variable of an env file in a volume of the pod."""

    atomic: ClassVar[bool] = True
    volume_name: Annotated[str, REQUIRED] = ""  # name of the volume
    path: Annotated[str, REQUIRED] = ""  # path of the file in the volume, relative and without ..
    key: Annotated[str, REQUIRED] = ""  # name of the variable in the file
    optional: bool | None = None  # true: no error if the file or the key is missing


class ObjectFieldSelector(Model):
    """A field of the pod itself, as a path such as ``metadata.name``."""

    atomic: ClassVar[bool] = True
    api_version: str = "v1"  # version that the path is written for
    field_path: Annotated[str, REQUIRED] = ""  # path of the field, such as metadata.name or metadata.labels['app']


class ResourceFieldSelector(Model):
    """A limit or request of one of the pod's containers, in units of ``divisor``."""

    atomic: ClassVar[bool] = True
    container_name: str = ""  # name of the container; may be empty for the one that reads its own
    resource: Annotated[str, REQUIRED] = ""  # which one, such as limits.cpu or requests.memory
    divisor: Quantity = "0"  # the value is told in units of this, such as 1Mi, rounded up; 0 stands for 1
