"""Options that many verbs share, and how their help is laid out."""

from typing import Annotated, Final

import typer

CLUSTER_PANEL: Final = "The cluster"
OBJECTS_PANEL: Final = "Objects"
RUNNING_PANEL: Final = "What runs"

Name = Annotated[
    str, typer.Option("--name", "--cluster", envvar="NARU_CLUSTER", help="The cluster's name.", show_default=True)
]
Namespace = Annotated[
    str, typer.Option("-n", "--namespace", help="The namespace; default: the kubeconfig's, else `default`.")
]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="All namespaces.")]
Cluster = Annotated[
    str, typer.Option("--cluster", "--name", envvar="NARU_CLUSTER", help="A cluster of this machine, by its name.")
]
Kubeconfig = Annotated[str, typer.Option("--kubeconfig", help="The kubeconfig file to use.")]
Selector = Annotated[str, typer.Option("-l", "--selector", help="Labels to match: app=web,tier!=cache.")]
FieldSelector = Annotated[str, typer.Option("--field-selector", help="Fields to match: spec.nodeName=node-1.")]
Timeout = Annotated[str, typer.Option("--timeout", help="How long to wait: 30s, 2m; 0 waits forever.")]


def examples(*lines: str) -> str:
    """Lay out examples for the end of a help page, one a line."""
    return "Examples:\n\n" + "\n\n".join(f"  {line}" for line in lines)
