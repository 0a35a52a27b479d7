"""An identity server that answers ITI-9 at once: every IPP has the INS the sender gave it. A process of its own.

`python -m benchmarks.identity_stub` prints its port, then serves until killed. It is no judge: the simulator is.
"""

from __future__ import annotations

import asyncio

from connector.ins.matricule import key_of

_ANSWER = (
    "MSH|^~\\&|PIX||CONNECTOR||20240307130000||RSP^K23^RSP_K23|R{control}|T|2.5|||||FRA|UNICODE UTF-8\r"
    "MSA|AA|{control}\r"
    "QAK|{tag}|OK\r"
    "{qpd}\r"
    "PID|||{ins}^^^&1.2.250.1.213.1.4.10&ISO^INS||^^^^^^S\r"
)


def answer(question: bytes) -> bytes:
    """The framed RSP^K23 to a framed QBP^Q23."""
    segments = question.strip(b"\x0b\x1c\r").decode().split("\r")
    header = segments[0].split("|")
    qpd = next(segment for segment in segments if segment.startswith("QPD|"))
    fields = qpd.split("|")
    patient = int(fields[3].split("^")[0])
    stem = f"2790351{200000 + patient:06d}"[:13]
    text = _ANSWER.format(control=header[9], tag=fields[2], qpd=qpd, ins=stem + key_of(stem))
    return b"\x0b" + text.encode() + b"\x1c\r"


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\x1c\r")) >= 0:
            frame, self._buffer = self._buffer[: end + 2], self._buffer[end + 2 :]
            self._transport.write(answer(frame))


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
