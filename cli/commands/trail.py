"""`naru trail`: which write led to which."""

from typing import Annotated

import typer

from cli.commands.options import RUNNING_PANEL, Cluster, Kubeconfig, Namespace, examples


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        rich_help_panel=RUNNING_PANEL,
        epilog=examples("naru trail deployment/web", "naru trail -f", "naru trail -f pod/a"),
    )(trail)


def trail(
    what: Annotated[
        list[str] | None, typer.Argument(help="KIND/NAME; default: everything.", show_default=False)
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print writes as they happen.")] = False,
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Show what led to what: from your apply down to the steps of each container's start."""
    from cli.session import Where, run
    from cli.trail import command
    from cli.verbs.names import parse_one

    target = parse_one(what, "deployment") if what else None
    work = command.follow if follow else command.show
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, target))
