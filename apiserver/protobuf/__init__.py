"""Bodies in protobuf, as the typed clients of client-go send them: decoded to what JSON would have said.

Flow: protobuf body -> *plain dicts* -> the same decoding, defaulting and validation as JSON.
``kubectl create`` and ``kubectl drain`` are such clients, and do not try JSON after a refusal. Answers are JSON, which
they accept.
"""

from apiserver.protobuf.decoding import MEDIA_TYPE, decode

__all__ = ["MEDIA_TYPE", "decode"]
