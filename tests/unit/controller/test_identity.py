import dataclasses
import subprocess
import sys

from naru.controller.identity import ProcessIdentity


class TestProcessIdentity:
    """A process is known to be dead only when that is certain."""

    def test_text_form(self) -> None:
        own = ProcessIdentity.own()
        assert ProcessIdentity.parse(str(own)) == own

    def test_a_host_name_may_hold_anything(self) -> None:
        own = dataclasses.replace(ProcessIdentity.own(), host="a_b_c")
        assert ProcessIdentity.parse(str(own)) == own

    def test_of_another_making(self) -> None:
        assert ProcessIdentity.parse("host-1_5c1b6e7a-aaaa") is None

    def test_this_process_lives(self) -> None:
        assert not ProcessIdentity.own().is_dead()

    def test_a_process_that_ended_is_dead(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            assert child.stdin is not None
            child.stdin.close()
            child.wait(timeout=30)
        assert dataclasses.replace(ProcessIdentity.own(), pid=child.pid).is_dead()

    def test_a_later_process_of_the_same_pid_is_another(self) -> None:
        assert dataclasses.replace(ProcessIdentity.own(), start_ticks=1).is_dead()

    def test_nothing_is_known_of_another_machine(self) -> None:
        assert not dataclasses.replace(ProcessIdentity.own(), boot="0" * 12, start_ticks=1).is_dead()
