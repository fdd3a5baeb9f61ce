"""From a container of a pod to what the runtime executes."""

from pathlib import Path
from typing import Any

import pytest

from naru.api.core_v1 import Pod
from nodeagent.images.store import Image, ImageConfig
from nodeagent.pods.container_spec import Attempt, Inputs, container_spec, full_env
from nodeagent.pods.downward import NodeFacts, PodFacts
from nodeagent.pods.etc_files import etc_mounts, hostname_of, hosts_file, make_mount_points
from nodeagent.pods.faults import ConfigFault, StartFault
from nodeagent.pods.references import References
from nodeagent.pods.resources import container_limits, cpu_quota_us, cpu_shares, oom_score_adj, pod_cgroup, pod_limits
from nodeagent.pods.users import Accounts
from nodeagent.runtime.capabilities import ALL, DEFAULT
from nodeagent.runtime.spec import ContainerSpec

GIB = 1 << 30
PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:www:/srv:/bin/false\n"
GROUP = "root:x:0:\nwww:x:102:\nlogs:x:150:web,other\n"
ACCOUNTS = Accounts(PASSWD, GROUP)


def new_pod(container: dict[str, Any] | None = None, **spec: Any) -> Pod:
    body = {"name": "c", "image": "i", **(container or {})}
    meta = {"name": "web", "namespace": "ns", "uid": "u1"}
    return Pod.model_validate({"metadata": meta, "spec": {"containers": [body], **spec}})


def spec_of(
    container: dict[str, Any] | None = None, image: ImageConfig | None = None, pod: dict[str, Any] | None = None
) -> ContainerSpec:
    made = new_pod(container, **(pod or {}))
    config = image or ImageConfig(entrypoint=("/entry",), cmd=("default",), env=(("PATH", "/image/bin"),))
    inputs = Inputs(
        facts=PodFacts(made, NodeFacts("198.18.0.11", {}), "10.244.1.2"),
        container=made.spec.containers[0],
        image=Image("sha256:1", ("i:1",), (Path("/layer"),), config, 1),
        accounts=ACCOUNTS,
        references=References(),
        hostname="web",
        memory_capacity_bytes=8 * GIB,
    )
    return container_spec(inputs, Attempt("id1", 2, Path("/log")), full_env(inputs), ())


class TestCommand:
    @pytest.mark.parametrize(
        ("container", "expected"),
        [
            pytest.param({}, ("/entry", "default"), id="the image's own"),
            pytest.param({"args": ["x"]}, ("/entry", "x"), id="args replace cmd"),
            pytest.param({"command": ["/run"]}, ("/run",), id="command replaces entrypoint and cmd"),
            pytest.param({"command": ["/run"], "args": ["x"]}, ("/run", "x"), id="both"),
            pytest.param(
                {"command": ["echo", "$(WHO) $(NOBODY) $$(WHO)"], "env": [{"name": "WHO", "value": "me"}]},
                ("echo", "me $(NOBODY) $(WHO)"),
                id="variables are expanded",
            ),
        ],
    )
    def test_rules(self, container: dict[str, Any], expected: tuple[str, ...]) -> None:
        assert spec_of(container).args == expected

    def test_nothing_to_run(self) -> None:
        with pytest.raises(StartFault, match="no command specified"):
            spec_of(image=ImageConfig())


class TestEnvironment:
    def test_the_images_then_the_pods(self) -> None:
        env = dict(spec_of({"env": [{"name": "A", "value": "1"}]}).env)
        assert env == {"HOME": "/root", "PATH": "/image/bin", "HOSTNAME": "web", "A": "1"}

    def test_a_terminal_has_a_type(self) -> None:
        assert dict(spec_of({"tty": True}).env)["TERM"] == "xterm"


class TestUser:
    @pytest.mark.parametrize(
        ("image_user", "container", "pod", "expected"),
        [
            pytest.param("", {}, {}, (0, 0, (0,)), id="root without any word"),
            pytest.param("web", {}, {}, (101, 102, (102, 150)), id="a name of the image, with its groups"),
            pytest.param("web:logs", {}, {}, (101, 150, (150,)), id="a name and a group"),
            pytest.param("101", {}, {}, (101, 102, (102, 150)), id="a number that the image knows"),
            pytest.param("5:6", {}, {}, (5, 6, (6,)), id="numbers that it does not know"),
            pytest.param("web", {"runAsUser": 7}, {}, (7, 0, (0,)), id="the container's user wins over the image's"),
            pytest.param("", {"runAsUser": 7}, {"runAsUser": 8}, (7, 0, (0,)), id="and over the pod's"),
            pytest.param("", {}, {"runAsUser": 8, "runAsGroup": 9}, (8, 9, (9,)), id="the pod's user and group"),
            pytest.param(
                "",
                {},
                {"supplementalGroups": [3, 4], "fsGroup": 5},
                (0, 0, (0, 3, 4, 5)),
                id="supplemental groups and fsGroup",
            ),
        ],
    )
    def test_ids(
        self,
        image_user: str,
        container: dict[str, Any],
        pod: dict[str, Any],
        expected: tuple[int, int, tuple[int, ...]],
    ) -> None:
        image = ImageConfig(entrypoint=("/x",), user=image_user)
        spec = spec_of({"securityContext": container}, image, {"securityContext": pod})
        assert (spec.uid, spec.gid, spec.groups) == expected

    @pytest.mark.parametrize(
        ("image_user", "message"),
        [
            ("", "image will run as root"),
            ("0", "image will run as root"),
            ("00:5", "image will run as root"),
            ("web", r"non-numeric user \(web\)"),
        ],
    )
    def test_run_as_non_root_refuses(self, image_user: str, message: str) -> None:
        with pytest.raises(ConfigFault, match=message):
            spec_of({"securityContext": {"runAsNonRoot": True}}, ImageConfig(entrypoint=("/x",), user=image_user))

    def test_run_as_non_root_takes_a_number(self) -> None:
        image = ImageConfig(entrypoint=("/x",), user="101")
        assert spec_of({"securityContext": {"runAsNonRoot": True}}, image).uid == 101

    def test_an_unknown_name_cannot_start(self) -> None:
        with pytest.raises(StartFault, match="unable to find user ghost"):
            spec_of(image=ImageConfig(entrypoint=("/x",), user="ghost"))


class TestRights:
    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            pytest.param({"add": ["NET_ADMIN"]}, DEFAULT | {"CAP_NET_ADMIN"}, id="one more"),
            pytest.param({"drop": ["CHOWN"]}, DEFAULT - {"CAP_CHOWN"}, id="one less"),
            pytest.param({"drop": ["ALL"]}, frozenset(), id="none"),
            pytest.param({"drop": ["ALL"], "add": ["CAP_KILL"]}, {"CAP_KILL"}, id="one alone"),
            pytest.param({"add": ["ALL"]}, ALL, id="all"),
            pytest.param({"add": ["ALL"], "drop": ["SYS_ADMIN"]}, ALL - {"CAP_SYS_ADMIN"}, id="all but one"),
        ],
    )
    def test_capabilities(self, wanted: dict[str, Any], expected: frozenset[str]) -> None:
        assert frozenset(spec_of({"securityContext": {"capabilities": wanted}}).capabilities or ()) == expected

    def test_the_default_set_is_left_to_the_runtime(self) -> None:
        assert spec_of().capabilities is None

    def test_an_unknown_capability_is_named(self) -> None:
        with pytest.raises(ConfigFault, match="unknown capability CAP_FLY"):
            spec_of({"securityContext": {"capabilities": {"add": ["FLY"]}}})

    def test_flags(self) -> None:
        context = {
            "privileged": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
        }
        spec = spec_of({"securityContext": context})
        assert (spec.privileged, spec.read_only_root, spec.no_new_privileges) == (True, True, True)
        assert spec.unconfined_seccomp

    @pytest.mark.parametrize(
        ("own", "shared", "unconfined"),
        [
            (None, None, False),
            ("Unconfined", None, True),
            (None, "Unconfined", True),
            ("RuntimeDefault", "Unconfined", False),
        ],
    )
    def test_seccomp(self, own: str | None, shared: str | None, unconfined: bool) -> None:
        container = {"securityContext": {"seccompProfile": {"type": own}}} if own else {}
        pod = {"securityContext": {"seccompProfile": {"type": shared}}} if shared else {}
        assert spec_of(container, pod=pod).unconfined_seccomp is unconfined


class TestResources:
    @pytest.mark.parametrize(("milli", "shares"), [(0, 2), (1, 2), (100, 102), (1000, 1024), (10**9, 262_144)])
    def test_shares(self, milli: int, shares: int) -> None:
        assert cpu_shares(milli) == shares

    @pytest.mark.parametrize(("milli", "quota"), [(0, None), (1, 1000), (500, 50_000), (2000, 200_000)])
    def test_quota(self, milli: int, quota: int | None) -> None:
        assert cpu_quota_us(milli) == quota

    def test_a_limit_alone_is_the_request_too(self) -> None:
        limits = container_limits(new_pod({"resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}).spec.containers[0])
        assert limits.cpu_shares == 1024
        assert limits.cpu_quota_us == 100_000
        assert limits.memory_limit_bytes == 64 << 20

    def test_a_pod_is_bounded_only_where_all_its_containers_are(self) -> None:
        bounded = {"name": "a", "image": "i", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
        half = {"name": "b", "image": "i", "resources": {"limits": {"memory": "1Gi"}}}
        limits = pod_limits(new_pod(containers=[bounded, half]), 4096)
        assert limits.cpu_quota_us is None
        assert limits.memory_limit_bytes == 2 * GIB
        assert limits.pids_limit == 4096

    def test_init_containers_count_by_their_largest(self) -> None:
        big = {"name": "i", "image": "i", "resources": {"limits": {"memory": "3Gi"}}}
        small = {"name": "a", "image": "i", "resources": {"limits": {"memory": "1Gi"}}}
        assert pod_limits(new_pod(containers=[small], initContainers=[big]), None).memory_limit_bytes == 3 * GIB

    @pytest.mark.parametrize(
        ("resources", "cgroup", "score"),
        [
            pytest.param({}, "besteffort/podu1", 1000, id="best effort"),
            pytest.param({"limits": {"cpu": "1", "memory": "1Gi"}}, "guaranteed/podu1", -997, id="guaranteed"),
            pytest.param({"requests": {"memory": "2Gi"}}, "burstable/podu1", 750, id="burstable, by its share"),
            pytest.param({"requests": {"cpu": "1"}}, "burstable/podu1", 999, id="burstable, nothing asked"),
            pytest.param({"requests": {"memory": "8Gi"}}, "burstable/podu1", 3, id="burstable, everything asked"),
        ],
    )
    def test_quality_of_service(self, resources: dict[str, Any], cgroup: str, score: int) -> None:
        if limits := resources.get("limits"):
            resources = {**resources, "requests": limits}
        pod = new_pod({"resources": resources})
        assert pod_cgroup(pod) == cgroup
        assert oom_score_adj(pod, pod.spec.containers[0], 8 * GIB) == score


class TestNames:
    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            pytest.param({}, "web", id="the pod's name"),
            pytest.param({"hostname": "db"}, "db", id="its own word"),
            pytest.param({"hostNetwork": True}, "node-1", id="the node's, on its network"),
            pytest.param({"hostname": "db", "hostnameOverride": "x.y"}, "x.y", id="the last word"),
        ],
    )
    def test_hostname(self, spec: dict[str, Any], expected: str) -> None:
        assert hostname_of(new_pod(**spec), "node-1") == expected

    def test_hosts_file(self) -> None:
        pod = new_pod(hostAliases=[{"ip": "10.1.1.1", "hostnames": ["a", "b"]}])
        lines = hosts_file(pod, "web", "10.244.1.2").splitlines()
        assert "127.0.0.1\tlocalhost" in lines
        assert "10.244.1.2\tweb" in lines
        assert "10.1.1.1\ta\tb" in lines

    def test_each_file_has_its_place_beneath_the_image(self, tmp_path: Path) -> None:
        make_mount_points(tmp_path)
        make_mount_points(tmp_path)  # an agent started again
        places = [tmp_path / mount.target.lstrip("/") for mount in etc_mounts(Path("/of/the/pod"), set())]
        assert places
        assert all(place.is_file() for place in places)
