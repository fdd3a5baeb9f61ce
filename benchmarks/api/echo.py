"""The least that a server with TLS can do: answer every request with the same 2 KB, unread.

It shows what the load generator itself is able to do, and what of each request's time is loopback and TLS.

Usage: python -m benchmarks.api.echo PORT CERTIFICATE KEY
"""

import select
import socket
import ssl
import sys
from typing import Final

from benchmarks.api.traffic import HOST

BODY: Final = b"x" * 2048
ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def serve(port: int, certificate: str, key: str) -> None:
    """Answer until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server((HOST, port), backlog=128)
    poll, connections = select.epoll(), {listener.fileno(): listener}
    poll.register(listener.fileno(), select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                accepted = context.wrap_socket(listener.accept()[0], server_side=True)
                accepted.setblocking(False)
                connections[accepted.fileno()] = accepted
                poll.register(accepted.fileno(), select.EPOLLIN)
            elif not answered(connections[fd]):
                poll.unregister(fd)
                connections.pop(fd).close()


def answered(connection: socket.socket) -> bool:
    """Answer one request, all of which is there; tell whether the connection is still open."""
    try:
        if not connection.recv(65536):
            return False
    except ssl.SSLWantReadError:  # a session ticket was sent, say
        return True
    except OSError:
        return False
    connection.send(ANSWER)
    return True


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3])
