"""From a verb's options to a connection: which kubeconfig, which namespace, and errors in the user's words.

Flow: ``--kubeconfig``, else ``--cluster``, else ``$KUBECONFIG``, else this machine's cluster, else ``~/.kube/config``
-> ClientConfig -> Client. An error of the server or on the way becomes a Fault, with an exit code that tells which.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from cli.cluster.config import DEFAULT_NAME
from cli.cluster.layout import Layout
from cli.faults import ExitCode, Fault
from naru.api.errors import APIError, NotFound
from naru.client import kubeconfig
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.client.errors import ConfigError, ConnectionFailed

MANAGER: Final = "naru"
T = TypeVar("T")


@dataclass(frozen=True)
class Where:
    """The options that say which cluster and namespace a verb is for."""

    kubeconfig: str = ""
    cluster: str = ""
    namespace: str = ""

    def config(self) -> ClientConfig:
        """Read the kubeconfig.

        Raises:
            Fault: there is none, or it cannot be used.
        """
        try:
            return kubeconfig.load(self._path())
        except ConfigError as error:
            remedy = "naru up starts a cluster on this machine" if "no kubeconfig" in str(error) else ""
            raise Fault(str(error), remedy=remedy, code=ExitCode.UNREACHABLE) from error

    def _path(self) -> Path | None:
        if self.kubeconfig:
            return Path(self.kubeconfig)
        if self.cluster:
            return self._of_cluster(self.cluster)
        default = Layout.of(DEFAULT_NAME).admin_kubeconfig
        if not os.environ.get("KUBECONFIG") and os.access(default, os.R_OK):
            return default
        return None

    @staticmethod
    def _of_cluster(name: str) -> Path:
        path = Layout.of(name).admin_kubeconfig
        if not path.exists():
            raise Fault(
                f"there is no cluster {name} on this machine",
                remedy=f"naru up --name {name}",
                code=ExitCode.UNREACHABLE,
            )
        return path


class Session:
    """A client, and the namespace that the user means."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace


def run(where: Where, work: Callable[[Session], Awaitable[T]]) -> T:
    """Connect, do the work, and put what fails into the user's words.

    Raises:
        Fault: the server refused or was not reached.
    """
    config = where.config()

    async def connected() -> T:
        async with Client(config, user_agent=MANAGER, field_manager=MANAGER, on_warning=show_warning) as client:
            return await work(Session(client, where.namespace or config.namespace))

    try:
        return asyncio.run(connected())
    except APIError as error:
        raise as_fault(error) from error
    except ConnectionFailed as error:
        raise Fault(
            f"the API server at {config.server} does not answer: {error}",
            remedy="naru status",
            code=ExitCode.UNREACHABLE,
        ) from error


def as_fault(error: APIError) -> Fault:
    """Put a refusal into words, as kubectl does."""
    code = ExitCode.NOT_FOUND if isinstance(error, NotFound) else ExitCode.FAILED
    return Fault(f"the server refused ({error.status_reason}): {error.message}", code=code)


def show_warning(text: str) -> None:
    """Print a warning of the server."""
    print(f"Warning: {text}", file=sys.stderr)
