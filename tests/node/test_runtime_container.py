"""What a process finds in a container: its own world, and no way out of it."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from nodeagent.runtime import capabilities
from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import CgroupLimits, Mount, RuntimeFault

ROOT_DEVICE = os.stat("/").st_dev


class TestNamespaces:
    """A container has its own processes, mounts, host name, interfaces."""

    async def test_its_first_process_is_process_1_and_sees_no_other(self, node: Any, sandbox: Sandbox) -> None:
        state, text = await node.run(sandbox, "echo $$; ls /proc | grep -c '^[0-9]'")
        assert state.exit_code == 0
        assert text.split()[0] == "1"
        assert int(text.split()[1]) <= 3  # the shell, ls and grep

    async def test_it_has_the_pods_host_name(self, node: Any, sandbox: Sandbox) -> None:
        assert (await node.run(sandbox, "hostname"))[1] == "testhost\n"

    async def test_it_has_only_a_loopback_interface_of_its_own_and_that_is_up(
        self, node: Any, sandbox: Sandbox
    ) -> None:
        _, text = await node.run(sandbox, "ls /sys/class/net; ping -c1 -W1 127.0.0.1 >/dev/null && echo up")
        assert text.split()[-1] == "up"
        assert "eth0" not in text

    async def test_containers_of_a_pod_share_the_network_namespace(self, node: Any, sandbox: Sandbox) -> None:
        one = (await node.run(sandbox, "readlink /proc/self/ns/net"))[1]
        other = (await node.run(sandbox, "readlink /proc/self/ns/net"))[1]
        assert one == other != os.readlink("/proc/self/ns/net")
        assert sandbox.state.netns is not None
        assert f"net:[{sandbox.state.netns.stat().st_ino}]" == one.strip()

    async def test_containers_of_a_pod_share_memory_at_dev_shm(self, node: Any, sandbox: Sandbox) -> None:
        await node.run(sandbox, "echo shared > /dev/shm/file")
        assert (await node.run(sandbox, "cat /dev/shm/file"))[1] == "shared\n"

    async def test_its_cgroup_looks_like_the_root(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "grep memory /proc/self/cgroup || cat /proc/self/cgroup")
        assert text.endswith(":/\n")

    async def test_it_sees_its_own_limits(self, node: Any, sandbox: Sandbox) -> None:
        limits = CgroupLimits(memory_limit_bytes=64 << 20)
        script = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true"
        assert (await node.run(sandbox, script, limits=limits))[1] == f"{64 << 20}\n"

    async def test_a_pod_on_the_hosts_network_sees_the_hosts_interfaces(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec(host_network=True))
        _, text = await node.run(sandbox, "readlink /proc/self/ns/net")
        assert text.strip() == os.readlink("/proc/self/ns/net")
        assert sandbox.state.netns is None
        await sandbox.remove()

    async def test_host_pid_and_host_ipc_are_the_hosts(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec(host_pid=True, host_ipc=True))
        _, text = await node.run(sandbox, "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; sleep 300 &")
        assert text.split() == [os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/ns/ipc")]
        await sandbox.remove()  # the fixture then looks for the sleep that was left behind

    async def test_containers_can_share_a_pid_namespace(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec(share_process_namespace=True))
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        _, text = await node.run(sandbox, "ps -o pid,comm; ls /proc/1/root/ 2>&1; echo $$")
        assert "pause" in text
        assert "sleep" in text
        assert "usr" not in text
        assert text.split()[-1] != "1"
        await sandbox.remove()

    async def test_sysctls_of_the_pod_are_set_and_others_refused(self, node: Any) -> None:
        spec = node.sandbox_spec(sysctls={"net.ipv4.ip_unprivileged_port_start": "0"})
        sandbox = await node.runtime.create_sandbox(spec)
        _, text = await node.run(sandbox, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")
        assert text == "0\n"
        await sandbox.remove()
        with pytest.raises(RuntimeFault, match=r"net.no.such"):
            await node.runtime.create_sandbox(node.sandbox_spec(sysctls={"net.no.such": "1"}))

    @pytest.mark.parametrize(
        "name", ["kernel.panic", "vm/swappiness", "net/../kernel/panic", "../../{file}", "", "net"]
    )
    async def test_no_sysctl_reaches_past_the_pod(self, node: Any, tmp_path: Path, name: str) -> None:
        file = tmp_path / "file"
        file.write_text("host")
        spec = node.sandbox_spec(sysctls={name.format(file=file): "0"})
        with pytest.raises(RuntimeFault, match="sysctl") as caught:
            await node.runtime.create_sandbox(spec)
        assert caught.value.reason == "SysctlForbidden"
        assert file.read_text() == "host"


class TestRoot:
    """The root is the image with a layer of one's own on top; the host cannot be seen."""

    async def test_writes_stay_in_the_container(self, node: Any, sandbox: Sandbox) -> None:
        await node.run(sandbox, "echo mine > /bin/new; rm /etc/passwd")
        assert not (node.layer / "bin/new").exists()
        assert (await node.run(sandbox, "ls /bin/new /etc/passwd"))[1].splitlines()[-1] == "/etc/passwd"

    async def test_no_path_of_the_host_can_be_seen(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "cat /proc/self/mountinfo; ls /; ls /work /home /usr 2>&1")
        assert str(node.directory) not in text
        assert str(node.layer) not in text
        assert text.count("No such file") == 3

    async def test_a_read_only_root_refuses_writes_but_not_to_volumes(self, node: Any, sandbox: Sandbox) -> None:
        tmpfs = Mount("/scratch", tmpfs_size_bytes=1 << 20)
        _, text = await node.run(
            sandbox, "echo x > /file; echo x > /scratch/file && cat /scratch/file", read_only_root=True, mounts=(tmpfs,)
        )
        assert "Read-only file system" in text
        assert text.endswith("x\n")

    async def test_the_uppermost_layer_wins(self, node: Any, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/passwd").write_text("from above\n")
        _, text = await node.run(sandbox, "cat /etc/passwd", layers=(tmp_path, node.layer))
        assert text == "from above\n"

    async def test_a_hundred_layers_with_long_names_fit(self, node: Any, sandbox: Sandbox, tmp_path: Path) -> None:
        layers = [tmp_path / f"{number},:{'x' * 100}" for number in range(100)]
        for layer in layers:
            layer.mkdir()
        assert (await node.run(sandbox, "echo fits", layers=(*layers, node.layer)))[1] == "fits\n"

    async def test_a_layer_that_is_missing_is_named(self, node: Any, sandbox: Sandbox) -> None:
        with pytest.raises(RuntimeFault, match="image layer /no/such/layer: no such file or directory"):
            await sandbox.start_container(node.container_spec("true", layers=(Path("/no/such/layer"),)))

    @pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list"])
    async def test_what_tells_about_the_host_is_masked(self, node: Any, sandbox: Sandbox, path: str) -> None:
        assert (await node.run(sandbox, f"cat {path} 2>/dev/null | wc -c"))[1].strip() == "0"

    async def test_firmware_cannot_be_seen(self, node: Any, sandbox: Sandbox) -> None:
        assert (await node.run(sandbox, "ls /sys/firmware | wc -l"))[1].strip() == "0"

    @pytest.mark.parametrize(
        "path",
        ["/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run", "/proc/sys/vm/swappiness"],
    )
    async def test_the_kernels_switches_are_read_only(self, node: Any, sandbox: Sandbox, path: str) -> None:
        _, text = await node.run(sandbox, f"[ -e {path} ] && echo 1 > {path}; echo done")
        assert text == "done\n" or "Read-only file system" in text

    async def test_an_image_whose_proc_is_a_link_is_refused(self, node: Any, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "proc").symlink_to("/tmp")
        with pytest.raises(RuntimeFault, match="/proc: must be a directory"):
            await sandbox.start_container(node.container_spec("true", layers=(tmp_path, node.layer)))


class TestVolumes:
    """Volumes are bind mounts, wherever the image's links would lead them."""

    async def test_a_directory_and_a_file_can_be_mounted(self, node: Any, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("content\n")
        mounts = (Mount("/data/deep", tmp_path), Mount("/etc/config", tmp_path / "file", read_only=True))
        _, text = await node.run(
            sandbox, "cat /etc/config; echo more >> /data/deep/file; echo no > /etc/config", mounts=mounts
        )
        assert text.splitlines()[0] == "content"
        assert "Read-only file system" in text
        assert (tmp_path / "file").read_text() == "content\nmore\n"

    async def test_a_missing_source_is_named(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("true", mounts=(Mount("/data", Path("/no/such")),))
        with pytest.raises(RuntimeFault, match="mount of /no/such at /data: no such file or directory"):
            await sandbox.start_container(spec)

    @pytest.mark.parametrize("target", ["/", "/proc", "/proc/sys", "/data/../proc", "relative"])
    async def test_places_that_safety_rests_on_are_refused(
        self, node: Any, sandbox: Sandbox, tmp_path: Path, target: str
    ) -> None:
        with pytest.raises(RuntimeFault, match="no place for a mount"):
            await sandbox.start_container(node.container_spec("true", mounts=(Mount(target, tmp_path),)))

    @pytest.mark.parametrize("leads_to", ["/proc", "/proc/self/attr", "/proc/self"])
    async def test_a_link_in_the_image_cannot_lead_a_mount_to_proc(
        self, node: Any, sandbox: Sandbox, tmp_path: Path, leads_to: str
    ) -> None:
        (tmp_path / "data").symlink_to(leads_to)
        spec = node.container_spec("true", layers=(tmp_path, node.layer), mounts=(Mount("/data", tmp_path),))
        with pytest.raises(RuntimeFault, match="a link in the image leads it to /proc"):
            await sandbox.start_container(spec)

    async def test_a_link_in_the_image_cannot_lead_a_mount_to_the_host(
        self, node: Any, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        layer, volume, victim = tmp_path / "layer", tmp_path / "volume", tmp_path / "victim"
        for directory in (layer, volume, victim):
            directory.mkdir()
        (layer / "data").symlink_to(victim)
        mounts = (Mount("/data", volume),)
        state, _ = await node.run(sandbox, "echo x > /data/file", layers=(layer, node.layer), mounts=mounts)
        assert state.exit_code == 0
        assert (volume / "file").exists()
        assert list(victim.iterdir()) == []

    async def test_devices_on_a_volume_do_not_open(self, node: Any, sandbox: Sandbox, tmp_path: Path) -> None:
        os.mknod(tmp_path / "zero", 0o20666, os.makedev(1, 5))
        _, text = await node.run(sandbox, "head -c1 /data/zero", mounts=(Mount("/data", tmp_path),))
        assert "Permission denied" in text


class TestPrivileges:
    """Root in a container can do little, anybody else nothing."""

    async def test_default_capabilities(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "grep Cap /proc/self/status")
        assert [line.split()[1] for line in text.splitlines()] == [
            "0000000000000000",
            "00000000a80425fb",
            "00000000a80425fb",
            "00000000a80425fb",
            "0000000000000000",
        ]

    async def test_a_user_has_no_capability_and_the_groups_asked_for(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "id; grep CapEff /proc/self/status", uid=1000, gid=2000, groups=(3000,))
        assert "uid=1000 gid=2000 groups=3000" in text
        assert text.split()[-1] == "0000000000000000"

    async def test_capabilities_can_be_dropped(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "chown 1 /etc/passwd; grep CapBnd /proc/self/status", capabilities=())
        assert "Operation not permitted" in text
        assert text.split()[-1] == "0000000000000000"

    @pytest.mark.parametrize(
        "script",
        [
            "mount -t tmpfs none /tmp",
            "umount /proc",
            "unshare -m true",
            "mount -o remount,rw /sys",
            "reboot -f",
            "dmesg",
        ],
    )
    async def test_what_reaches_out_is_refused(self, node: Any, sandbox: Sandbox, script: str) -> None:
        state, text = await node.run(sandbox, script)
        assert state.exit_code != 0
        assert "not permitted" in text or "denied" in text

    async def test_seccomp_refuses_even_what_a_capability_would_allow(self, node: Any, sandbox: Sandbox) -> None:
        """unshare of a user namespace needs no capability; only the filter is in the way."""
        unfiltered, _ = await node.run(sandbox, "unshare -U true", unconfined_seccomp=True)
        filtered, text = await node.run(sandbox, "unshare -U true")
        assert (unfiltered.exit_code, filtered.exit_code) == (0, 1)
        assert "Operation not permitted" in text

    async def test_no_signal_is_blocked_or_ignored(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status")
        assert text.split()[1::2] == ["0" * 16] * 2

    async def test_no_new_privileges(self, node: Any, sandbox: Sandbox) -> None:
        script = "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status"
        assert (await node.run(sandbox, script, no_new_privileges=True))[1].split()[1::2] == ["1", "2"]
        assert (await node.run(sandbox, script, uid=1000))[1].split()[1::2] == ["0", "2"]

    @pytest.mark.parametrize("place", ["/tmp/disk", "/dev/disk", "/dev/shm/disk"])
    async def test_a_device_node_can_be_made_but_not_opened(self, node: Any, sandbox: Sandbox, place: str) -> None:
        device = ROOT_DEVICE
        script = f"mknod {place} b {os.major(device)} {os.minor(device)}; head -c1 {place}"
        state, text = await node.run(sandbox, script)
        assert state.exit_code != 0
        assert "not permitted" in text or "denied" in text

    async def test_the_common_devices_work(self, node: Any, sandbox: Sandbox) -> None:
        script = "head -c4 /dev/zero | wc -c; head -c4 /dev/urandom | wc -c; echo x > /dev/null; echo x > /dev/full"
        _, text = await node.run(sandbox, script)
        assert text.split()[:2] == ["4", "4"]
        assert "No space left" in text

    async def test_a_privileged_container_may_mount(self, node: Any, sandbox: Sandbox) -> None:
        state, text = await node.run(sandbox, "mount -t tmpfs none /tmp && mount | grep -c /tmp", privileged=True)
        assert (state.exit_code, text) == (0, "1\n")

    async def test_the_devices_are_its_own(self, node: Any, sandbox: Sandbox) -> None:
        before = {path: os.stat(path).st_mode for path in ("/dev/full", "/dev/null")}
        script = "chmod 600 /dev/full /dev/null; chmod 640 /proc/self/fd/0; ls -lL /dev/null /dev/full | cut -c1-10"
        _, text = await node.run(sandbox, script)
        assert text.split() == ["crw-------", "crw-r-----"]
        assert {path: os.stat(path).st_mode for path in before} == before

    async def test_anyone_may_use_the_devices(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(
            sandbox, "ls -l /dev/full /dev/tty | cut -c1-10; echo > /dev/null && echo ok", uid=1000
        )
        assert text.split() == ["crw-rw-rw-", "crw-rw-rw-", "ok"]

    async def test_a_privileged_container_has_the_hosts_devices(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "find /dev -type b -o -type c", privileged=True)
        host = {
            entry.path
            for entry in os.scandir("/dev")
            if stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) in (stat.S_IFCHR, stat.S_IFBLK)
        }
        assert host - {"/dev/console", "/dev/ptmx"} <= set(text.split())

    async def test_the_runtimes_own_program_cannot_be_changed(self, sandbox: Sandbox) -> None:
        """A container that has the runtime execute /proc/self/exe gets at the file by the mount tried here."""
        program = f"/proc/{sandbox.state.shim_pid}/exe"
        with pytest.raises(OSError, match="Read-only file system"):
            os.chmod(program, os.stat(program).st_mode & 0o777)

    async def test_an_unknown_capability_is_named(self, node: Any, sandbox: Sandbox) -> None:
        with pytest.raises(RuntimeFault, match="unknown capability CAP_NOPE"):
            await sandbox.start_container(node.container_spec("true", capabilities=("CAP_NOPE",)))

    async def test_what_the_host_cannot_give_is_a_warning(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("true", oom_score_adj=-999, capabilities=("CAP_SYS_RESOURCE",))
        state = await sandbox.start_container(spec)
        lacks_it = "CAP_SYS_RESOURCE" not in capabilities.held()
        assert bool(state.warnings) is lacks_it

    async def test_a_host_descriptor_does_not_leak(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "/bin/ls", "-l", "/proc/self/fd")
        assert {line.split(" -> ")[0][-1] for line in text.splitlines() if "->" in line} <= {"0", "1", "2", "3"}
        assert "/proc/" in text  # 3 is ls reading the directory itself
