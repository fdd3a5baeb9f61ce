"""`naru logs` and `naru exec`: what a container says, and talking to it."""

from typing import Annotated

import typer

from cli.commands.options import RUNNING_PANEL, Cluster, Kubeconfig, Namespace, Selector, examples

Container = Annotated[str, typer.Option("-c", "--container", help="The container; default: the pod's first.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command(
        rich_help_panel=RUNNING_PANEL,
        epilog=examples("naru logs web-5d4", "naru logs -f deploy/web --tail 20", "naru logs web -c init --previous"),
    )(logs)
    app.command(
        name="exec",
        rich_help_panel=RUNNING_PANEL,
        epilog=examples(
            "naru exec -it deploy/web -- sh",
            "naru exec web-5d4 -c sidecar -- ps",
            "tar c . | naru exec -i web -- tar x",
        ),
        context_settings={"ignore_unknown_options": True},
    )(exec_)


def logs(
    what: Annotated[list[str] | None, typer.Argument(help="A pod's name, or KIND/NAME.", show_default=False)] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as more is written.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", help="Only the last lines.", min=-1)] = None,
    container: Container = "",
    all_containers: Annotated[bool, typer.Option("--all-containers", help="Every container of the pod.")] = False,
    previous: Annotated[
        bool, typer.Option("-p", "--previous", help="Of the container before the last restart.")
    ] = False,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
    since: Annotated[str, typer.Option("--since", help="Not older than: 10s, 5m.")] = "",
    selector: Selector = "",
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Print what a container wrote."""
    from cli.durations import parse_duration
    from cli.faults import ExitCode, Fault
    from cli.session import Where, run
    from cli.verbs.logs import LogOptions
    from cli.verbs.logs import logs as work
    from cli.verbs.names import parse_one

    if bool(what) == bool(selector):
        raise Fault("name a pod, or choose some with -l", code=ExitCode.USAGE)
    options = LogOptions(
        container=container,
        all_containers=all_containers,
        follow=follow,
        previous=previous,
        timestamps=timestamps,
        tail=None if tail == -1 else tail,
        since_s=max(1, round(parse_duration(since, "--since"))) if since else None,
        label_selector=selector,
    )
    target = parse_one(what, "pod") if what else None
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, target, options))


def exec_(
    what: Annotated[str, typer.Argument(help="A pod's name, or KIND/NAME.", show_default=False)],
    command: Annotated[list[str], typer.Argument(help="-- COMMAND [ARGUMENT...]", show_default=False)],
    stdin: Annotated[bool, typer.Option("-i", "--stdin", help="Hand on standard input.")] = False,
    tty: Annotated[bool, typer.Option("-t", "--tty", help="Give the command this terminal.")] = False,
    container: Container = "",
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Run a command in a container; returns its exit code."""
    from cli.session import Where, run
    from cli.verbs.exec import ExecOptions
    from cli.verbs.exec import exec_ as work
    from cli.verbs.names import parse_one

    target = parse_one([what], "pod")
    options = ExecOptions(container, stdin, tty)
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, target, command, options))
