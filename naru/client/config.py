"""What a client needs to know to reach a cluster, and the TLS context made from it."""

import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from naru.client.errors import ConfigError


@dataclass(frozen=True)
class ClientConfig:
    """Where the API server is, how to know that it is the right one, and who we are. PEM is kept, not file names."""

    server: str  # https://127.0.0.1:6443, without a slash at the end
    ca_pem: bytes = b""  # empty: the certificate authorities of the host
    client_cert_pem: bytes = b""
    client_key_pem: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    insecure: bool = False  # do not check the server's certificate
    tls_server_name: str = ""  # the name to expect in it, when not the one in ``server``
    namespace: str = "default"  # where the user's commands act unless told otherwise
    context: str = ""  # the kubeconfig's name for all this

    def ssl_context(self) -> ssl.SSLContext | None:
        """Build the TLS context; None for a plain ``http`` server.

        Raises:
            ConfigError: a certificate or key is malformed, or they do not belong together.
        """
        if not self.server.startswith("https://"):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        try:
            if self.insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            elif self.ca_pem:
                context.load_verify_locations(cadata=self.ca_pem.decode("ascii"))
            else:
                context.load_default_certs()
            if self.client_cert_pem:
                with _as_files(self.client_cert_pem, self.client_key_pem) as (cert, key):
                    context.load_cert_chain(cert, key)
        except (ssl.SSLError, UnicodeDecodeError) as error:
            raise ConfigError(f"certificates of context {self.context!r} cannot be used: {error}") from error
        return context


@contextmanager
def _as_files(*contents: bytes) -> Iterator[tuple[str, ...]]:
    """Lend contents as files in memory: ssl reads keys from files only, and a key should not touch a disk."""
    with ExitStack() as stack:
        paths = []
        for content in contents:
            fd = os.memfd_create("naru-pem", os.MFD_CLOEXEC)
            stack.callback(os.close, fd)
            os.write(fd, content)
            paths.append(f"/proc/self/fd/{fd}")
        yield tuple(paths)
