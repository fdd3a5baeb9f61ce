"""`naru apply`, `get`, `describe`, `delete`, `scale`: the verbs on objects."""

from typing import Annotated

import typer

from cli.commands.options import (
    OBJECTS_PANEL,
    AllNamespaces,
    Cluster,
    FieldSelector,
    Kubeconfig,
    Namespace,
    Selector,
    examples,
)

Sources = Annotated[
    list[str], typer.Option("-f", "--filename", help="A file, a directory, or - for stdin; may be repeated.")
]
What = Annotated[list[str], typer.Argument(help="KIND [NAME...], KIND/NAME..., KIND,KIND or all.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    panel = OBJECTS_PANEL
    app.command(
        rich_help_panel=panel, epilog=examples("naru apply -f manifests/", "generate | naru apply -n lab -f -")
    )(apply)
    app.command(
        rich_help_panel=panel,
        epilog=examples(
            "naru get pods -o wide", "naru get deploy,rs,po -A", "naru get pod/web -o yaml", "naru get po -w"
        ),
    )(get)
    app.command(rich_help_panel=panel, epilog=examples("naru describe pod/web", "naru describe node"))(describe)
    app.command(
        rich_help_panel=panel,
        epilog=examples("naru delete -f hello.yaml", "naru delete pod web", "naru delete pods -l app=web"),
    )(delete)
    app.command(
        rich_help_panel=panel, epilog=examples("naru scale deployment/web --replicas 5", "naru scale rs/a --replicas 0")
    )(scale)


def apply(
    filename: Sources,
    namespace: Namespace = "",
    server_side: Annotated[bool, typer.Option("--server-side", help="Let the server merge.")] = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="With --server-side: take fields over from other managers.")
    ] = False,
    dry_run: Annotated[str, typer.Option("--dry-run", help="`client` or `server`: change nothing.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", help="yaml, json or name.")] = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Make objects as manifests say; what a manifest no longer says is taken away again."""
    from cli.session import Where, run
    from cli.verbs.apply import ApplyOptions
    from cli.verbs.apply import apply as work

    options = ApplyOptions(server_side, force_conflicts, dry_run, output)
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, filename, options))


def get(
    what: What,
    output: Annotated[str, typer.Option("-o", "--output", help="wide, yaml, json or name.")] = "",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Print a line for every change.")] = False,
    selector: Selector = "",
    field_selector: FieldSelector = "",
    all_namespaces: AllNamespaces = False,
    namespace: Namespace = "",
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the header.")] = False,
    show_labels: Annotated[bool, typer.Option("--show-labels", help="Add a column with the labels.")] = False,
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="An object that is missing is no error.")
    ] = False,
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """List objects, or show one."""
    from cli.session import Where, run
    from cli.verbs.get import Query
    from cli.verbs.get import get as work
    from cli.verbs.names import parse_targets

    query = Query(
        targets=tuple(parse_targets(what)),
        form=output,
        all_namespaces=all_namespaces,
        label_selector=selector,
        field_selector=field_selector,
        watch=watch,
        show_headers=not no_headers,
        ignore_not_found=ignore_not_found,
        show_labels=show_labels,
    )
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, query))


def describe(
    what: What,
    selector: Selector = "",
    all_namespaces: AllNamespaces = False,
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Show an object in detail, with its events."""
    from cli.session import Where, run
    from cli.verbs.describe import describe as work
    from cli.verbs.names import parse_targets

    targets = parse_targets(what)
    return run(
        Where(kubeconfig, cluster, namespace),
        lambda session: work(session, targets, all_namespaces=all_namespaces, label_selector=selector),
    )


def delete(
    what: Annotated[list[str] | None, typer.Argument(help="KIND NAME..., KIND/NAME...", show_default=False)] = None,
    filename: Annotated[
        list[str] | None, typer.Option("-f", "--filename", help="Delete what these manifests name.")
    ] = None,
    selector: Selector = "",
    field_selector: FieldSelector = "",
    everything: Annotated[bool, typer.Option("--all", help="All objects of the kind in the namespace.")] = False,
    namespace: Namespace = "",
    grace_period: Annotated[
        int | None, typer.Option("--grace-period", help="Seconds that a pod has to stop; 0: at once.", min=0)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="As --grace-period 0.")] = False,
    cascade: Annotated[str, typer.Option("--cascade", help="background, foreground or orphan.")] = "background",
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="An object that is missing is no error.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the objects are gone.")] = True,
    timeout: Annotated[str, typer.Option("--timeout", help="How long to wait; 0: as long as it takes.")] = "0",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Delete objects."""
    from cli.durations import parse_duration
    from cli.session import Where, run
    from cli.verbs.delete import DeleteOptions
    from cli.verbs.delete import delete as work
    from cli.verbs.names import parse_targets

    targets = [] if filename else parse_targets(what or ())
    options = DeleteOptions(
        everything=everything,
        label_selector=selector,
        field_selector=field_selector,
        grace_period_s=0 if force else grace_period,
        cascade=cascade,
        ignore_not_found=ignore_not_found,
        wait=wait,
        timeout_s=parse_duration(timeout, "--timeout"),
    )
    return run(Where(kubeconfig, cluster, namespace), lambda session: work(session, targets, filename or (), options))


def scale(
    what: Annotated[list[str], typer.Argument(help="KIND/NAME... or KIND NAME...", show_default=False)],
    replicas: Annotated[int, typer.Option("--replicas", help="How many.", min=0)],
    current_replicas: Annotated[
        int | None, typer.Option("--current-replicas", help="Only if it has this many now.")
    ] = None,
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Change the number of replicas."""
    from cli.session import Where, run
    from cli.verbs.names import parse_targets
    from cli.verbs.scale import scale as work

    targets = parse_targets(what)
    return run(
        Where(kubeconfig, cluster, namespace), lambda session: work(session, targets, replicas, current_replicas)
    )
