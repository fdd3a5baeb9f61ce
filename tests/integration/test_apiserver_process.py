"""The process itself: what it says when it cannot start, and how it bears clients that do not read."""

import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest


def run(*flags: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "apiserver", "--etcd", "unix:///nowhere.sock", *flags]
    repository = Path(__file__).parents[2]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, cwd=repository)


class TestCannotStart:
    def test_a_port_that_is_taken(self, pki):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = run("--listen", address, "--pki-dir", str(pki.directory))
        assert done.returncode == 2
        assert f"--listen {address}: address already in use" in done.stderr

    def test_no_certificates(self, tmp_path):
        done = run("--listen", "127.0.0.1:1", "--pki-dir", str(tmp_path))
        assert done.returncode == 2
        assert "it has no ca.crt, apiserver.crt, apiserver.key" in done.stderr

    @pytest.mark.parametrize("address", ["6443", "127.0.0.1:x", "127.0.0.1:70000"])
    def test_no_address(self, pki, address):
        done = run("--listen", address, "--pki-dir", str(pki.directory))
        assert (done.returncode, "want an address and a port" in done.stderr) == (2, True)


class TestSlowWatcher:
    async def test_who_does_not_read_is_cut_off_and_others_are_not(self, api, apiserver):
        def memory_mb() -> float:
            status = Path(f"/proc/{apiserver.pid}/status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) / 1024

        await api.make_config("big", data={"x": "0" * 400_000})
        async with api.watch(api.path("configmaps")) as slow:
            for number in range(80):
                await api.patch(api.path("configmaps", "big"), {"data": {"x": str(number % 10) * 400_000}})
            assert memory_mb() < 250
            with pytest.raises(aiohttp.ClientPayloadError):
                await slow.response.read()
        assert (await api.get(api.path("configmaps", "big"))).code == 200
