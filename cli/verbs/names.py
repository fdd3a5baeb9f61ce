"""Objects as people name them on a command line: ``pods``, ``deploy/web``, ``pod a b``, ``rs,po``, ``all``.

Flow: arguments -> *parse_targets* -> (resource, name) pairs -> a verb.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cli.faults import ExitCode, Fault
from naru.api.scheme import RESOURCES, Resource, by_any_name


@dataclass(frozen=True)
class Target:
    """One object, or (without a name) all of a kind."""

    resource: Resource
    name: str = ""

    def __str__(self) -> str:
        """Write it as verbs report it: ``deployment.apps/web``."""
        return full_name(self.resource, self.name)


def full_name(resource: Resource, name: str) -> str:
    """Write ``deployment.apps/web``."""
    kind = f"{resource.singular}.{resource.group}" if resource.group else resource.singular
    return f"{kind}/{name}" if name else kind


def resource_named(name: str) -> Resource:
    """Find a kind by any of its names.

    Raises:
        Fault: there is none; the message lists what there is.
    """
    resource = by_any_name(name)
    if resource is None:
        known = ", ".join(resource.plural for resource in RESOURCES)
        raise Fault(f"there is no kind {name!r}", remedy=f"kinds: {known}", code=ExitCode.USAGE)
    return resource


def parse_targets(arguments: Sequence[str]) -> list[Target]:
    """Read ``KIND[,KIND...] [NAME...]`` or ``KIND/NAME...``.

    Raises:
        Fault: a kind is unknown, or both forms are mixed.
    """
    if not arguments:
        raise Fault("name a kind, such as pods, or an object, such as pod/web", code=ExitCode.USAGE)
    if any("/" in argument for argument in arguments):
        return [_pair(argument) for argument in arguments]
    kinds, *names = arguments
    resources = [resource for kind in kinds.split(",") if kind for resource in _resources(kind)]
    if not names:
        return [Target(resource) for resource in resources]
    return [Target(resource, name) for resource in resources for name in names]


def parse_one(arguments: Sequence[str], default_kind: str) -> Target:
    """Read one object; a bare name is of the default kind.

    Raises:
        Fault: it is not one object.
    """
    if len(arguments) == 1 and "/" not in arguments[0]:
        return Target(resource_named(default_kind), arguments[0])
    targets = parse_targets(arguments)
    if len(targets) != 1 or not targets[0].name:
        raise Fault(f"name one object, such as {default_kind}/NAME", code=ExitCode.USAGE)
    return targets[0]


def _pair(argument: str) -> Target:
    kind, slash, name = argument.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise Fault(f"{argument!r}: where one object is named KIND/NAME, all must be", code=ExitCode.USAGE)
    return Target(resource_named(kind), name)


def _resources(kind: str) -> list[Resource]:
    in_category = [resource for resource in RESOURCES if kind in resource.categories and not resource.stored_as]
    return in_category or [resource_named(kind)]
