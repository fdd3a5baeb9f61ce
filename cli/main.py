"""The `naru` command: finds the verb, runs it, and turns what goes wrong into one line and an exit code.

Flow: command line -> *app* -> cli/commands (what a verb accepts) -> cli/cluster, cli/verbs, cli/trail (what it does).
The modules of ``cli.commands`` declare options and import nothing heavy; a verb loads what it needs when it runs, so
that help and completion answer at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from cli.commands import cluster, image, objects, rollout, streams, trail
from cli.faults import ExitCode, Fault

EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong command line; 3 cluster not running or not answering; "
    "4 no such object; 5 not done in time; 130 interrupted. `naru exec` returns the code of the command it ran."
)
DEBUG: Final = "NARU_DEBUG"

app = typer.Typer(
    name="naru",
    help="A small Kubernetes in Python: start a cluster on this machine, and work with it.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"naru {version('naru')}")
        except PackageNotFoundError:
            print("naru (not installed, run from its source)")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Show where an error comes from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A small Kubernetes in Python: start a cluster on this machine, and work with it."""
    if verbose:
        os.environ[DEBUG] = "1"


for module in (cluster, objects, rollout, streams, image, trail):
    module.register(app)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        result = app(args=arguments, prog_name="naru", standalone_mode=False)
        return result if isinstance(result, int) else ExitCode.OK
    except Fault as fault:
        return _report(fault)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: there is nobody to flush to at exit
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001  # the last line of defence; NARU_DEBUG shows all of it
        return _report_other(error)


def _report(fault: Fault) -> int:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    print("\n".join(fault.lines()), file=sys.stderr)
    return fault.code


def _report_other(error: Exception) -> int:
    """Report a wrong command line as typer would, and anything unforeseen as one line."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", ExitCode.USAGE))
    if type(error).__name__ == "Abort":
        return ExitCode.INTERRUPTED
    if os.environ.get(DEBUG):
        traceback.print_exc()
    print(f"naru: {type(error).__name__}: {error} (NARU_DEBUG=1 shows where)", file=sys.stderr)
    return ExitCode.FAILED


if __name__ == "__main__":
    raise SystemExit(main())
