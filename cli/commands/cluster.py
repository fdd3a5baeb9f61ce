"""`naru up`, `down`, `status`, `doctor`, `kubeconfig`: the life of a cluster on this machine."""

from typing import Annotated

import typer

from cli.cluster.config import DEFAULT_NAME
from cli.commands.options import CLUSTER_PANEL, Name, examples


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    panel = {"rich_help_panel": CLUSTER_PANEL}
    app.command(epilog=examples("naru up", "naru up --nodes 5 --name lab --api-port 7443", "naru up --no-egress"))(up)
    app.command(epilog=examples("naru down", "naru down --purge --name lab"))(down)
    app.command(epilog=examples("naru status", "naru status -o json"))(status)
    app.command(epilog=examples("naru doctor"))(doctor)
    app.command(epilog=examples("export KUBECONFIG=$(naru kubeconfig)", "naru kubeconfig --raw > admin.conf"))(
        kubeconfig
    )
    for command in app.registered_commands[-5:]:
        command.rich_help_panel = panel["rich_help_panel"]


def up(
    name: Name = DEFAULT_NAME,
    nodes: Annotated[int | None, typer.Option("--nodes", help="How many nodes. [default: 3]")] = None,
    egress: Annotated[
        bool | None, typer.Option("--egress/--no-egress", help="Whether pods reach the world outside. [default: yes]")
    ] = None,
    api_port: Annotated[int | None, typer.Option("--api-port", help="The API server's port. [default: 6443]")] = None,
    pod_cidr: Annotated[
        str | None, typer.Option("--pod-cidr", help="The pods' addresses. [default: 10.244.0.0/16]")
    ] = None,
    service_cidr: Annotated[
        str | None, typer.Option("--service-cidr", help="The services' addresses. [default: 10.96.0.0/16]")
    ] = None,
    underlay: Annotated[
        str | None, typer.Option("--underlay", help="The nodes' addresses. [default: 198.18.0.0/24]")
    ] = None,
    default_toleration_seconds: Annotated[
        int | None,
        typer.Option("--default-toleration-seconds", help="How long pods stay on a lost node. [default: 300]"),
    ] = None,
    node_monitor_grace_period: Annotated[
        str | None, typer.Option("--node-monitor-grace-period", help="Silence that makes a node NotReady. [40s]")
    ] = None,
    insecure_registry: Annotated[
        list[str] | None,
        typer.Option("--insecure-registry", help="A registry (HOST:PORT) to be reached without TLS; may be repeated."),
    ] = None,
    timeout: Annotated[str, typer.Option("--timeout", help="How long to wait for the nodes.")] = "60s",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> int:
    """Start a cluster, or what is missing of one; return when all its nodes are Ready.

    The flags are remembered: the next `naru up` needs them no more.
    """
    from cli.cluster.progress import shown
    from cli.cluster.up import up as bring_up
    from cli.durations import parse_duration

    grace = node_monitor_grace_period
    flags = {
        "nodes": nodes,
        "egress": egress,
        "api_port": api_port,
        "pod_cidr": pod_cidr,
        "service_cidr": service_cidr,
        "underlay": underlay,
        "default_toleration_seconds": default_toleration_seconds,
        "node_monitor_grace_period_s": None if grace is None else parse_duration(grace, "--node-monitor-grace-period"),
        "insecure_registries": tuple(insecure_registry) if insecure_registry else None,
    }
    with shown(quiet=quiet) as progress:
        result = bring_up(name, flags, progress, parse_duration(timeout, "--timeout"))
    config = result.config
    count = f"{config.nodes} node{'s' * (config.nodes != 1)} Ready"
    how = "was up already" if result.was_running else f"is up, from nothing in {result.elapsed_s:.2f} s"
    print(f"cluster {config.name} {how}: {count}, API at https://127.0.0.1:{config.api_port}")
    if not quiet and not result.was_running:
        suffix = "" if config.name == DEFAULT_NAME else f" --name {config.name}"
        print(f"  export KUBECONFIG=$(naru kubeconfig{suffix})   # for kubectl; naru itself needs none")
    return 0


def down(
    name: Name = DEFAULT_NAME,
    purge: Annotated[bool, typer.Option("--purge", help="Remove the cluster's data too.")] = False,
    grace_period: Annotated[
        str, typer.Option("--grace-period", help="How long containers that handle SIGTERM may take to end.")
    ] = "2s",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> int:
    """Stop a cluster and take away everything it made in the kernel; its data stays, unless --purge."""
    from cli.cluster.down import down as bring_down
    from cli.cluster.progress import shown
    from cli.durations import parse_duration

    with shown(quiet=quiet) as progress:
        message = bring_down(name, progress, purge=purge, grace_s=parse_duration(grace_period, "--grace-period"))
    print(message)
    return 0


def status(
    name: Name = DEFAULT_NAME,
    output: Annotated[str, typer.Option("-o", "--output", help="`json`, or nothing for a table.")] = "",
) -> int:
    """Show what runs; exit code 3 when the cluster is not running, or not all of it."""
    from cli.cluster.report import print_status
    from cli.cluster.status import look

    return print_status(look(name), output)


def doctor(name: Name = DEFAULT_NAME) -> int:
    """Show what this machine lacks to run a cluster, and the command that mends it."""
    from cli.cluster.report import print_findings
    from cli.cluster.up import examine

    return print_findings(examine(name))


def kubeconfig(
    name: Name = DEFAULT_NAME,
    raw: Annotated[bool, typer.Option("--raw", help="Print the file's content, not its path.")] = False,
) -> int:
    """Print the path of the administrator's kubeconfig. Nothing is merged into your own."""
    from cli.cluster.layout import Layout
    from cli.faults import ExitCode, Fault

    path = Layout.of(name).admin_kubeconfig
    if not path.exists():
        raise Fault(f"there is no cluster {name} on this machine", remedy="naru up", code=ExitCode.UNREACHABLE)
    print(path.read_text() if raw else path)
    return 0
