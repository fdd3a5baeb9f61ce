"""What follows from the very same objects is worked out once."""

from naru.api.identity import once_for_same


class TestOnceForSame:
    def test_the_same_object_is_looked_at_once_and_an_equal_one_again(self) -> None:
        calls: list[object] = []

        @once_for_same(kept=8)
        def length(items: tuple[int, ...], _text: str) -> int:
            calls.append(items)
            return len(items)

        first, equal = tuple([1, 2]), tuple([1, 2])
        assert [length(first, "a"), length(first, "a"[:]), length(equal, "a"), length(first, "b")] == [2, 2, 2, 2]
        assert len(calls) == 3

    def test_the_oldest_result_is_forgotten_and_its_arguments_let_go(self) -> None:
        calls: list[int] = []

        @once_for_same(kept=2)
        def first_of(items: list[int]) -> int:
            calls.append(items[0])
            return items[0]

        lists = [[number] for number in range(3)]
        for items in (*lists, lists[2], lists[0]):
            first_of(items)
        assert calls == [0, 1, 2, 0]

    def test_an_id_that_is_used_again_is_not_taken_for_the_old_object(self) -> None:
        @once_for_same(kept=4)
        def first_of(items: list[int]) -> int:
            return items[0]

        assert [first_of([number]) for number in range(100)] == list(range(100))
