"""Every operation of our own OpenAPI documents, fed with values that fit its schema, or nearly so.

Runs for some seconds and takes up operations in an order of its own; ``NARU_FUZZ_SECONDS=3600 NARU_FUZZ_SEED=7`` is the
long run. A finding prints the request that leads to it.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings

from apiserver.openapi.index import document_path
from apiserver.openapi.v3 import group_document
from naru.api.scheme import RESOURCES

SECONDS = float(os.environ.get("NARU_FUZZ_SECONDS", "15"))
SEED = int(os.environ.get("NARU_FUZZ_SEED", "1"))
EXAMPLES = 4
ANSWER_S = 20.0

UPSTREAM_SAYS_SO = (
    "failed to create typed patch object",
    "failed to decode managed fields",
    "Timeout: Too large resource",
    "Internal error occurred: failed to allocate",  # a port for health checks, of a Service
    "duplicate nodePort",
)
STREAMS = ("/watch/", "/exec", "/attach", "/log")

pytestmark = pytest.mark.filterwarnings("ignore")  # those of libraries that the fuzzer brings


@dataclass
class Fuzzer:
    """Sends cases, and keeps those that the server should have answered otherwise."""

    url: str
    session: requests.Session
    dice: random.Random
    sent: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def send(self, case: Any) -> None:
        self.season(case)
        started = time.monotonic()
        try:
            answer = self.session.request(timeout=ANSWER_S, **case.as_transport_kwargs(base_url=self.url))
        except (requests.exceptions.InvalidHeader, UnicodeError):
            return  # nothing that could be sent
        except requests.exceptions.RequestException as error:
            self.findings.append(f"{case.as_curl_command()}: {error} after {time.monotonic() - started:.1f} s")
            return
        self.sent += 1
        self.codes[answer.status_code] = self.codes.get(answer.status_code, 0) + 1
        if answer.status_code >= 500 and not self.is_upstreams(answer):
            self.findings.append(f"{case.as_curl_command()[:4000]}: {answer.status_code} {answer.text[:500]}")

    def season(self, case: Any) -> None:
        """Let many cases come further than to the first check: a real namespace, a name that can be, the right kind."""
        query = dict(case.query or {})
        query.pop("watch", None)
        if self.dice.random() < 0.7:
            query = {name: value for name, value in query.items() if self.dice.random() < 0.1}
        case.query = query
        if case.path_parameters and self.dice.random() < 0.9:
            case.path_parameters = {"namespace": "default", "name": f"fuzz-{self.dice.randrange(20)}"} | {
                name: value for name, value in case.path_parameters.items() if name not in ("namespace", "name")
            }
        if isinstance(case.body, dict) and self.dice.random() < 0.9:
            body = {name: value for name, value in case.body.items() if name not in ("kind", "apiVersion")}
            metadata = body.get("metadata")
            kept = metadata if isinstance(metadata, dict) and self.dice.random() < 0.3 else {}
            name = (case.path_parameters or {}).get("name", f"fuzz-{self.dice.randrange(20)}")
            case.body = {**body, "metadata": {**kept, "name": name, "namespace": "default"}}
            if case.operation.method in ("post", "put", "delete"):
                case.media_type = "application/json"

    @staticmethod
    def is_upstreams(answer: requests.Response) -> bool:
        try:
            return str(json.loads(answer.text).get("message")).startswith(UPSTREAM_SAYS_SO)
        except ValueError:
            return False


def operations(dice: random.Random) -> Iterator[Any]:
    """Go through the operations of all documents, again and again, group by group in any order."""
    groups: dict[str, list[Any]] = {}
    for resource in RESOURCES:
        groups.setdefault(document_path(resource), []).append(resource)
    loaded: dict[str, list[Any]] = {}
    while True:
        for name in dice.sample(sorted(groups), len(groups)):
            if name not in loaded:
                schema = schemathesis.openapi.from_dict(group_document(groups[name]))
                found = [result.ok() for result in schema.get_all_operations()]
                loaded[name] = [one for one in found if not any(part in f"{one.path}/" for part in STREAMS)]
            yield from dice.sample(loaded[name], min(len(loaded[name]), 12))


def test_no_operation_fails(apiserver: Any) -> None:
    dice = random.Random(SEED)
    pki = apiserver.pki.directory
    with requests.Session() as session:
        session.trust_env = False  # this machine's settings are for the world outside
        session.verify, session.cert = str(pki / "ca.crt"), (str(pki / "admin.crt"), str(pki / "admin.key"))
        fuzzer = Fuzzer(apiserver.url, session, dice)
        ends = time.monotonic() + SECONDS
        for number, operation in enumerate(operations(dice)):
            if time.monotonic() > ends:
                break

            @seed(SEED + number)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def examine(case: Any) -> None:
                if time.monotonic() < ends:
                    fuzzer.send(case)

            examine()
        assert session.get(f"{apiserver.url}/readyz", timeout=ANSWER_S).text == "ok"
    print(f"{fuzzer.sent} requests, {dict(sorted(fuzzer.codes.items()))}")
    assert not fuzzer.findings, "\n\n".join([*fuzzer.findings[:20], apiserver.log.read_text()[-20_000:]])
    assert fuzzer.sent > 20
