"""The errors of the API, shared by the server that raises them and the client that receives them.

Source: Kubernetes API conventions, "Response Status Kind" and "HTTP Status codes".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field.

    ``reason`` is a cause of metav1 (``FieldValueRequired``, ``FieldValueInvalid``, ``FieldValueNotSupported``,
    ``FieldValueDuplicate``, ``FieldValueForbidden``, ``FieldValueNotFound``, ``FieldValueTooLong``);
    ``message`` is upstream's text without the field, as in ``Invalid value: -1: must be greater than or equal to 0``.
    """

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        """Write it as a Status message does."""
        return f"{self.field}: {self.message}"


class APIError(Exception):
    """A refusal: a code (of HTTP), a reason (one word, for programs) and a message (for people)."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"
    bare: ClassVar[bool] = False  # upstream writes no details at all where there are none to tell

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = self.code if code is None else code
        self.status_reason = self.reason if reason is None else reason
        self.details = dict(details or {})
        self._shows_details = details is not None or not self.bare
        if retry_after_s is not None:
            self.details["retryAfterSeconds"] = retry_after_s

    def status(self) -> dict[str, Any]:
        """Return the ``Status`` object that goes on the wire."""
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        if self.message:
            status["message"] = self.message
        if self.status_reason:
            status["reason"] = self.status_reason
        if self.details or self._shows_details:
            status["details"] = self.details  # also when empty: kubectl debug looks into those of a 404 without asking
        return {**status, "code": self.status_code}


class BadRequest(APIError):
    """The request cannot be understood."""

    code = 400
    reason = "BadRequest"
    bare = True


class Unauthorized(APIError):
    """Nobody known sent this."""

    code = 401
    reason = "Unauthorized"
    bare = True


class Forbidden(APIError):
    """The sender is known and may not do this, or a rule of the object forbids it."""

    code = 403
    reason = "Forbidden"


class NotFound(APIError):
    """No such object or path."""

    code = 404
    reason = "NotFound"


class MethodNotAllowed(APIError):
    """The path exists, but not for this verb."""

    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(APIError):
    """None of the media types that the client accepts can be made."""

    code = 406
    reason = "NotAcceptable"
    bare = True


class Conflict(APIError):
    """The object changed since the sender read it, or a precondition fails."""

    code = 409
    reason = "Conflict"


class AlreadyExists(APIError):
    """The name is taken."""

    code = 409
    reason = "AlreadyExists"


class Gone(APIError):
    """The revision asked for is no longer kept: list again."""

    code = 410
    reason = "Expired"
    bare = True


class RequestEntityTooLarge(APIError):
    """The body is larger than the server takes."""

    code = 413
    reason = "RequestEntityTooLarge"
    bare = True


class UnsupportedMediaType(APIError):
    """The body is of a type that the server does not read."""

    code = 415
    reason = "UnsupportedMediaType"
    bare = True


class Invalid(APIError):
    """The object is well-formed, but its fields break rules."""

    code = 422
    reason = "Invalid"


class TooManyRequests(APIError):
    """Try again later (also: an eviction that a disruption budget does not allow now)."""

    code = 429
    reason = "TooManyRequests"


class InternalError(APIError):
    """A fault of the server's own."""


class ServiceUnavailable(APIError):
    """The server cannot answer now: etcd is away, or it is starting or stopping."""

    code = 503
    reason = "ServiceUnavailable"
    bare = True


class GatewayTimeout(APIError):
    """The answer did not come in time."""

    code = 504
    reason = "Timeout"


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """Build the 422 for an object: every error at once, each also as a cause with its field."""
    qualified = f"{kind}.{group}" if group else kind
    texts = list(dict.fromkeys(str(error) for error in errors))  # what is found twice is told once
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    details = {"name": name, "group": group, "kind": kind, "causes": causes}
    return Invalid(f'{qualified} "{name}" is invalid: {summary}', details={k: v for k, v in details.items() if v})


_BY_REASON: dict[str, type[APIError]] = {cls.reason: cls for cls in APIError.__subclasses__()}
_BY_CODE: dict[int, type[APIError]] = {cls.code: cls for cls in reversed(APIError.__subclasses__())}


def from_status(status: dict[str, Any], http_code: int) -> APIError:
    """Turn a ``Status`` that a server answered into the error it stands for.

    The class follows the reason, then the code; an answer of another server may hold neither.
    """
    code = int(status.get("code") or http_code)
    reason = str(status.get("reason") or "")
    cls = _BY_REASON.get(reason) or _BY_CODE.get(code) or APIError
    message = str(status.get("message") or f"the server answered {code}")
    return cls(message, code=code, reason=reason or cls.reason, details=status.get("details"))
