"""`naru rollout`: the verbs on a Deployment's rollouts."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import RUNNING_PANEL, Cluster, Kubeconfig, Namespace, Timeout, examples

if TYPE_CHECKING:
    from cli.session import Session
    from cli.verbs.names import Target

What = Annotated[list[str], typer.Argument(help="deployment/NAME", show_default=False)]
Revision = Annotated[int, typer.Option(min=0, show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    group = typer.Typer(
        name="rollout",
        help="Follow, list, undo, restart, pause and resume rollouts.",
        no_args_is_help=True,
        epilog=examples(
            "naru rollout status deployment/web", "naru rollout undo deployment/web", "naru rollout history deploy/web"
        ),
    )
    for verb in (status, history, undo, restart, pause, resume):
        group.command(epilog=examples(f"naru rollout {verb.__name__} deployment/web"))(verb)
    app.add_typer(group, rich_help_panel=RUNNING_PANEL)


def status(
    what: What,
    watch: Annotated[bool, typer.Option("-w/ ", "--watch/--no-watch", help="Follow it to its end.")] = True,
    timeout: Timeout = "0",
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Follow a rollout until it is done; fails when the rollout does."""
    from cli.durations import parse_duration
    from cli.verbs.rollout import status as work

    timeout_s = parse_duration(timeout, "--timeout")
    return _run(
        what,
        (kubeconfig, cluster, namespace),
        lambda session, target: work(session, target, watch=watch, timeout_s=timeout_s),
    )


def history(
    what: What,
    revision: Annotated[int, typer.Option("--revision", help="Show this one in detail.", min=0)] = 0,
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """List the revisions that can be gone back to."""
    from cli.verbs.rollout import history as work

    return _run(what, (kubeconfig, cluster, namespace), lambda session, target: work(session, target, revision))


def undo(
    what: What,
    to_revision: Annotated[int, typer.Option("--to-revision", help="0 is the one before this.", min=0)] = 0,
    namespace: Namespace = "",
    cluster: Cluster = "",
    kubeconfig: Kubeconfig = "",
) -> int:
    """Go back to an earlier revision."""
    from cli.verbs.rollout import undo as work

    return _run(what, (kubeconfig, cluster, namespace), lambda session, target: work(session, target, to_revision))


def restart(what: What, namespace: Namespace = "", cluster: Cluster = "", kubeconfig: Kubeconfig = "") -> int:
    """Replace all pods by new ones, a few at a time."""
    from cli.verbs.rollout import restart as work

    return _run(what, (kubeconfig, cluster, namespace), work)


def pause(what: What, namespace: Namespace = "", cluster: Cluster = "", kubeconfig: Kubeconfig = "") -> int:
    """Let changes wait until resumed."""
    from cli.verbs.rollout import pause as work

    return _run(what, (kubeconfig, cluster, namespace), work)


def resume(what: What, namespace: Namespace = "", cluster: Cluster = "", kubeconfig: Kubeconfig = "") -> int:
    """Roll out what has changed since the pause."""
    from cli.verbs.rollout import resume as work

    return _run(what, (kubeconfig, cluster, namespace), work)


def _run(what: list[str], where: tuple[str, str, str], work: "Callable[[Session, Target], Awaitable[int]]") -> int:
    from cli.session import Where, run
    from cli.verbs.names import parse_one

    target = parse_one(what, "deployment")
    return run(Where(*where), lambda session: work(session, target))
