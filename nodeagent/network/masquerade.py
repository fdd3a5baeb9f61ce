"""The way out: packets that leave the cluster bear an address that the outside can answer to.

Only clusters with egress have these rules. They are replaced as a whole in one transaction, so repeating that mends
whatever was changed, and no packet meets half a table.

Source: nft(8), "MASQUERADE STATEMENT"; "nft -f -" is atomic.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Final

from nodeagent.network.errors import NetworkError

TABLE: Final = "naru"
TIMEOUT_S: Final = 10.0


def rules(table: str, sources: IPv4Network, inside: Iterable[IPv4Network]) -> str:
    """Write the table: what comes from ``sources`` and goes anywhere but ``inside`` takes the sender's own address."""
    inner = ", ".join(str(network) for network in inside)
    return f"""\
{removal(table)}
table ip {table} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {sources} ip daddr != {{ {inner} }} masquerade
    }}
}}
"""


def removal(table: str) -> str:
    """Write what removes the table, whether or not it is there: made if missing, then deleted."""
    return f"table ip {table}\ndelete table ip {table}"


def apply(script: str) -> None:
    """Have nft carry out a script, wholly or not at all.

    Raises:
        NetworkError: it refused, or is not installed.
    """
    _nft(["-f", "-"], script)


def tables() -> set[str]:
    """Return the names of the IPv4 tables of this network namespace."""
    lines = (line.split() for line in _nft(["list", "tables", "ip"]).splitlines())
    return {words[2] for words in lines if words[:2] == ["table", "ip"]}


def _nft(arguments: list[str], script: str = "") -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # where it is, and where not every PATH leads
    if (program := shutil.which("nft", path=path)) is None:
        raise NetworkError("egress needs the program nft (apt install nftables)")
    try:
        done = subprocess.run(
            [program, *arguments], input=script, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NetworkError(f"nft did not end within {TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        raise NetworkError(f"nft refused: {done.stderr.strip()}")
    return done.stdout


async def apply_async(script: str) -> None:
    """Do as :func:`apply` without holding up the event loop."""
    await asyncio.to_thread(apply, script)
