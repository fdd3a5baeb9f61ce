"""The query parameters of log, exec and attach: checked, then written as a node agent reads them.

Source: PodLogOptions and PodExecOptions of the API reference; the node's names are the kubelet's.
"""

from datetime import datetime
from typing import Final

from multidict import MultiMapping

from naru.api.errors import BadRequest, FieldError, invalid

_LOG_SWITCHES: Final = ("follow", "previous", "timestamps")
_LOG_NUMBERS: Final = {"limitBytes": 1, "sinceSeconds": 1, "tailLines": 0}  # and their least values
_STREAMS: Final = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}

Query = list[tuple[str, str]]


def log_query(pod: str, query: MultiMapping[str]) -> Query:
    """Check the parameters of a log request, and return those for the node.

    Raises:
        BadRequest: a value is of the wrong type, or asks for what is not served.
        Invalid: numbers out of range, or two answers to "since when".
    """
    if switch(query, "insecureSkipTLSVerifyBackend"):
        raise BadRequest("insecureSkipTLSVerifyBackend: connections to nodes are always verified")
    wanted: Query = [(name, "true") for name in _LOG_SWITCHES if switch(query, name)]
    errors: list[FieldError] = []
    if (stream := query.get("stream", "All")) != "All":
        wanted.append(("stream", stream))
        errors += _unknown_stream(stream)
    for name, least in _LOG_NUMBERS.items():
        value = number(query, name)
        if value is not None:
            wanted.append((name, str(value)))
            errors += _too_small(name, value, least)
    if since := query.get("sinceTime", ""):
        wanted.append(("sinceTime", _time("sinceTime", since)))
        if "sinceSeconds" in query:
            message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
            errors.append(FieldError("", "FieldValueForbidden", message))
    if errors:
        raise invalid("", "PodLogOptions", pod, errors)
    return wanted


def stream_query(query: MultiMapping[str]) -> Query:
    """Check which streams are asked for, and return them for the node.

    A terminal has one output: a stderr asked for beside it, as some clients do, is left out.

    Raises:
        BadRequest: none is asked for.
    """
    asked = [name for name in _STREAMS if switch(query, name)]
    if not {"stdin", "stdout", "stderr"} & set(asked):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if "tty" in asked and "stderr" in asked:
        asked.remove("stderr")
    return [(_STREAMS[name], "1") for name in asked]


def exec_query(query: MultiMapping[str]) -> Query:
    """Check the parameters of an exec request, and return those for the node.

    Raises:
        BadRequest: no command, or streams as in :func:`stream_query`.
    """
    command = query.getall("command", [])
    if not command or not command[0]:
        raise BadRequest("you must specify at least one command for the container")
    return [*(("command", word) for word in command), *stream_query(query)]


def switch(query: MultiMapping[str], name: str) -> bool:
    """Read a truth value; a missing one is false.

    Raises:
        BadRequest: neither true nor false.
    """
    text = query.get(name, "")
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("", "false", "0", "f"):
        return False
    raise BadRequest(f"{name}: {text!r} is neither true nor false")


def number(query: MultiMapping[str], name: str) -> int | None:
    """Read a number; None when there is none.

    Raises:
        BadRequest: not a number.
    """
    text = query.get(name, "")
    try:
        return int(text) if text else None
    except ValueError as error:
        raise BadRequest(f"{name}: {text!r} is not a number") from error


def _time(name: str, text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {text!r} is not a time of RFC 3339") from error
    return text


def _unknown_stream(stream: str) -> list[FieldError]:
    if stream in ("Stdout", "Stderr"):
        return []
    message = f'Unsupported value: "{stream}": supported values: "All", "Stderr", "Stdout"'
    return [FieldError("stream", "FieldValueNotSupported", message)]


def _too_small(name: str, value: int, least: int) -> list[FieldError]:
    if value >= least:
        return []
    bound = "must be greater than 0" if least == 1 else f"must be greater than or equal to {least}"
    return [FieldError(name, "FieldValueInvalid", f"Invalid value: {value}: {bound}")]
