"""A server between S3 and its clients that ails: this file alone runs in a pod (broken_s3.py).

    python ailing.py MODE HOST PORT

MODE is `throttled` (every request is answered by 503 SlowDown), `expired` (by 403 ExpiredToken), `reset`
(of three connections one is reset before S3 has the request, and one when S3 has done it) or `slow` (every
answer comes three seconds late). HOST is the S3 server; both listen on PORT.
"""

import asyncio
import itertools
import re
import socket
import struct
import sys

_LATE = 3.0
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
ERRORS = {
    "throttled": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "expired": ("403 Forbidden", "ExpiredToken", "The provided token has expired."),
}


async def whole_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A request with its body; empty where the client has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = _LENGTH.search(head)
        return head + await reader.readexactly(int(length[1]) if length else 0)
    except asyncio.IncompleteReadError:
        return b""


def error_of(mode: str) -> bytes:
    """S3's answer of an error, after which the connection is closed."""
    status, code, message = ERRORS[mode]
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()


async def answer_of(host: str, port: int, request: bytes) -> bytes:
    """What S3 answers."""
    # Each request has a connection of its own: where that ends, the answer does.
    request = re.sub(rb"(?i)\r\nconnection: [^\r]*|\r\nexpect: [^\r]*", b"", request, count=2)
    request = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection as one whose other end has crashed."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(mode: str, host: str, port: int) -> None:
    """Ail until the process is ended."""
    numbers = itertools.count()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await whole_request(reader, writer)
        if not request:
            writer.close()
            return
        # The pod's log is how the trial knows that somebody has come.
        print(request.split(b" ", 1)[0].decode(), flush=True)
        turn = next(numbers) % 3 if mode == "reset" else None
        if turn == 0:
            reset(writer)
            return
        if mode == "slow":
            await asyncio.sleep(_LATE)
        answer = error_of(mode) if mode in ERRORS else await answer_of(host, port, request)
        if turn == 1:
            reset(writer)
            return
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(client, "0.0.0.0", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
