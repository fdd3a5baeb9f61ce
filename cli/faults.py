"""How the command fails: one clear line, a remedy where there is one, and an exit code that scripts can use."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What `naru` returns; `naru exec` returns the code of the command that it ran."""

    OK = 0
    FAILED = 1  # the server refused, or the work could not be done
    USAGE = 2  # the command line is wrong
    UNREACHABLE = 3  # the cluster is not running, or does not answer
    NOT_FOUND = 4  # the object named does not exist
    DEADLINE = 5  # what was waited for did not come in time
    INTERRUPTED = 130


class Fault(Exception):
    """Something that the person at the keyboard can understand, and perhaps mend."""

    def __init__(
        self, message: str, *, remedy: str = "", detail: str = "", code: ExitCode | int = ExitCode.FAILED
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy  # the command or flag that helps
        self.detail = detail  # an excerpt of a log: several lines
        self.code = int(code)

    def lines(self) -> list[str]:
        """Return what is printed on stderr."""
        lines = [f"naru: {self.message}"]
        lines += [f"  | {line}" for line in self.detail.splitlines()]
        return [*lines, f"  -> {self.remedy}"] if self.remedy else lines
