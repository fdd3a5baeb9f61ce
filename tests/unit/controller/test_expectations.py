from naru.controller.expectations import LAPSE_S, Expectations


class TestExpectations:
    """A controller holds still until its cache shows its own writes, or long enough."""

    def setup_method(self) -> None:
        self.now_s = 0.0
        self.expectations: Expectations[str] = Expectations(clock=lambda: self.now_s)

    def test_nothing_expected(self) -> None:
        assert self.expectations.met("a")

    def test_creations(self) -> None:
        self.expectations.expect_creations("a", 2)
        self.expectations.creation_observed("a")
        assert not self.expectations.met("a")
        self.expectations.creation_observed("a")
        assert self.expectations.met("a")

    def test_a_deletion_seen_twice_counts_once(self) -> None:
        self.expectations.expect_deletions("a", ["u1", "u2"])
        self.expectations.deletion_observed("a", "u1")
        self.expectations.deletion_observed("a", "u1")
        assert not self.expectations.met("a")
        self.expectations.deletion_observed("a", "u2")
        assert self.expectations.met("a")

    def test_what_is_never_seen_lapses(self) -> None:
        self.expectations.expect_creations("a", 1)
        self.now_s += LAPSE_S + 1
        assert self.expectations.met("a")

    def test_strangers_do_not_spend_what_comes_later(self) -> None:
        self.expectations.expect_creations("a", 1)
        for _ in range(3):
            self.expectations.creation_observed("a")
        self.expectations.expect_creations("a", 1)
        assert not self.expectations.met("a")

    def test_forgotten(self) -> None:
        self.expectations.expect_creations("a", 1)
        self.expectations.forget("a")
        assert self.expectations.met("a")
