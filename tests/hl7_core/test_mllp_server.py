"""The listener on real sockets: order, persistence, limits, timeouts, drain (hl7v2-interface §1.1, stack.md §6)."""

from __future__ import annotations

import asyncio
import time

import pytest

from connector.base.errors import SettingsError
from connector.hl7.framing import frame
from connector.hl7.mllp import MllpConfig, MllpServer, PeerInfo
from tests.hl7_core.peers import Sender, connect, echo, gated, listening, until

MIB = 1024 * 1024


async def test_many_messages_on_one_connection() -> None:
    async with listening() as server:
        sender = await connect(server)
        for n in range(50):
            await sender.write(frame(b"%d" % n))
            assert await sender.reply() == b"reply to %d" % n
        assert server.stats.accepted == server.stats.connections == 1
        assert server.stats.received == server.stats.replied == 50
        sender.close()


async def test_pipelined_messages_are_answered_in_order_whatever_their_time() -> None:
    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        await asyncio.sleep(0.02 if message == b"0" else 0)
        return message

    async with listening(handle, pipelining=3) as server:
        sender = await connect(server)
        await sender.write(b"".join(frame(b"%d" % n) for n in range(40)))
        assert [await sender.reply() for _ in range(40)] == [b"%d" % n for n in range(40)]
        sender.close()


async def test_a_message_in_pieces_and_a_large_one() -> None:
    async with listening() as server:
        sender = await connect(server)
        for piece in (b"\x0bMS", b"H|", b"1\x1c", b"\r"):
            await sender.write(piece)
            await asyncio.sleep(0.01)
        assert await sender.reply() == b"reply to MSH|1"
        await sender.write(frame(b"MSH|2" + b"x" * (5 * MIB)))
        assert (await sender.reply()).startswith(b"reply to MSH|2xxx")
        sender.close()


async def test_garbage_is_skipped_and_counted_and_the_connection_lives() -> None:
    async with listening() as server:
        sender = await connect(server)
        await sender.write(b"GET / HTTP/1.1\r\n" + frame(b"A") + b"\x1c\r" + b"\x0bMSH|cut" + b"\x0bMSH|B\x1c\r")
        assert [await sender.reply(), await sender.reply()] == [b"reply to A", b"reply to MSH|B"]
        framing = server.stats.framing
        assert (framing.garbage_runs, framing.cut_frames) == (1, 1)
        sender.close()


async def test_a_handler_may_stay_silent() -> None:
    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        return None if message == b"ack" else message

    async with listening(handle) as server:
        sender = await connect(server)
        await sender.write(frame(b"ack") + frame(b"B"))
        assert await sender.reply() == b"B"
        assert (server.stats.received, server.stats.replied) == (2, 1)
        sender.close()


async def test_a_failing_handler_closes_without_a_reply() -> None:
    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        raise RuntimeError("disk full")

    async with listening(handle) as server:
        sender = await connect(server)
        await sender.write(frame(b"A"))
        assert await sender.closed()
        assert server.stats.handler_failures == 1
        other = await connect(server)
        assert server.stats.replied == 0
        for peer in (sender, other):
            peer.close()


async def test_a_frame_above_the_limit_is_refused_in_its_turn_and_the_connection_lives() -> None:
    heads: list[bytes] = []

    async def refuse(head: bytes, peer: PeerInfo) -> bytes | None:
        heads.append(head)
        return b"too large"

    async with listening(refuse_oversized=refuse, max_frame=1 * MIB, total_byte_budget=2 * MIB) as server:
        sender = await connect(server)
        await sender.write(frame(b"A"))
        writing = asyncio.create_task(sender.write(frame(b"MSH|big" + b"x" * (8 * MIB)) + frame(b"B")))
        assert [await sender.reply() for _ in range(3)] == [b"reply to A", b"too large", b"reply to B"]
        await writing
        assert len(heads) == 1
        assert heads[0].startswith(b"MSH|bigxxx")
        assert server.stats.framing.oversized_frames == 1
        sender.close()


async def test_an_endless_frame_is_not_kept_in_memory() -> None:
    async with listening(max_frame=1 * MIB, total_byte_budget=1 * MIB) as server:
        sender = await connect(server)
        await sender.write(b"\x0bMSH|" + b"x" * (20 * MIB))
        await until(lambda: server.stats.framing.oversized_frames == 1)
        assert server.budget.held < 2 * MIB
        sender.close()


async def test_reading_stops_when_too_many_messages_wait() -> None:
    gate = asyncio.Event()
    async with listening(gated(gate), pipelining=4) as server:
        sender = await connect(server)
        # More than the sockets can hold on their own: without back-pressure all of it would be taken.
        messages = [b"%06d" % n + b"x" * 100_000 for n in range(200)]
        writing = asyncio.create_task(sender.write(b"".join(map(frame, messages))))
        await until(lambda: server.stats.received == 1)
        await asyncio.sleep(0.1)
        assert server.budget.held < 2 * MIB
        assert not writing.done()
        gate.set()
        assert [await sender.reply() for _ in messages] == [m[:20] for m in messages]
        await writing
        sender.close()


async def test_half_received_messages_above_the_budget_take_turns() -> None:
    """Ten messages of 4 MiB for a budget of 5: memory stays near the budget and every message gets through."""
    highest = 0

    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        nonlocal highest
        highest = max(highest, server.budget.held)
        await asyncio.sleep(0)
        return message[:6]

    async with listening(handle, max_frame=4 * MIB, total_byte_budget=5 * MIB) as server:
        senders = [await connect(server) for _ in range(10)]
        messages = [b"%06d" % n + b"x" * (4 * MIB - 6) for n in range(10)]
        half = 1 * MIB
        await asyncio.gather(*(s.write(frame(m)[:half]) for s, m in zip(senders, messages, strict=True)))
        writers = [asyncio.create_task(s.write(frame(m)[half:])) for s, m in zip(senders, messages, strict=True)]
        assert [await s.reply() for s in senders] == [m[:6] for m in messages]
        await asyncio.gather(*writers)
        # One message above the limit, and what each connection had in one read.
        assert highest < 5 * MIB + 4 * MIB + 10 * 256 * 1024
        for sender in senders:
            sender.close()


async def test_connections_are_limited() -> None:
    async with listening(max_per_peer=2) as server:
        kept = [await connect(server) for _ in range(2)]
        await until(lambda: server.stats.connections == 2)
        refused = await connect(server)
        assert await refused.closed()
        assert server.stats.rejected == 1
        await kept[0].write(frame(b"A"))
        assert await kept[0].reply() == b"reply to A"
        kept[0].close()
        await until(lambda: server.stats.connections == 1)
        again = await connect(server)
        await again.write(frame(b"B"))
        assert await again.reply() == b"reply to B"
        for sender in (kept[1], refused, again):
            sender.close()


async def test_an_idle_connection_is_closed() -> None:
    async with listening(idle_timeout=0.1) as server:
        sender = await connect(server)
        assert await sender.closed()
        assert server.stats.idle_closed == 1
        sender.close()


async def test_garbage_alone_does_not_keep_a_connection_alive() -> None:
    async with listening(idle_timeout=0.1) as server:
        sender = await connect(server)
        await _keep_writing(sender, b"noise", 0.5)
        assert server.stats.idle_closed == 1
        sender.close()


async def test_a_message_that_never_ends_is_cut() -> None:
    async with listening(idle_timeout=5, frame_timeout=0.1) as server:
        sender = await connect(server)
        await sender.write(b"\x0bMSH|")
        await _keep_writing(sender, b"x", 0.5)
        assert server.stats.frame_timeouts == 1
        sender.close()


async def test_a_slow_handler_is_not_an_idle_connection() -> None:
    gate = asyncio.Event()
    async with listening(gated(gate), idle_timeout=0.1, frame_timeout=0.1) as server:
        sender = await connect(server)
        await sender.write(frame(b"A"))
        await asyncio.sleep(0.3)
        gate.set()
        assert await sender.reply() == b"A"
        sender.close()


async def test_a_peer_that_does_not_read_its_replies_is_cut() -> None:
    async def handle(message: bytes, peer: PeerInfo) -> bytes | None:
        return b"x" * (4 * MIB)

    async with listening(handle, idle_timeout=0.2) as server:
        sender = await connect(server)
        await sender.write(frame(b"A") * 20)
        await until(lambda: server.stats.connections == 0)
        assert server.stats.idle_closed == 1
        assert server.stats.replied < 20
        sender.close()


async def test_a_sender_may_close_its_side_and_wait_for_replies() -> None:
    gate = asyncio.Event()
    async with listening(gated(gate)) as server:
        sender = await connect(server)
        await sender.write(frame(b"A") + frame(b"B"))
        sender.writer.write_eof()
        await until(lambda: server.stats.received == 1)
        gate.set()
        assert [await sender.reply(), await sender.reply()] == [b"A", b"B"]
        with pytest.raises(EOFError):
            await sender.reply()
        sender.close()


async def test_a_sender_gone_during_its_message_changes_nothing_for_the_others() -> None:
    gate = asyncio.Event()
    async with listening(gated(gate)) as server:
        gone, stays = await connect(server), await connect(server)
        await gone.write(frame(b"A"))
        await until(lambda: server.stats.received == 1)
        gone.writer.transport.abort()
        await stays.write(frame(b"B"))
        gate.set()
        assert await stays.reply() == b"B"
        await until(lambda: server.stats.connections == 1)
        stays.close()


async def test_stop_answers_what_was_received_then_closes() -> None:
    gate = asyncio.Event()
    async with listening(gated(gate)) as server:
        busy, idle = await connect(server), await connect(server)
        await busy.write(frame(b"A") + frame(b"B"))
        await until(lambda: server.stats.received == 1)
        port = server.port
        stopping = asyncio.create_task(server.stop(5))
        assert await idle.closed()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        assert not stopping.done()
        gate.set()
        assert [await busy.reply(), await busy.reply()] == [b"A", b"B"]
        await stopping
        assert await busy.closed()
        for sender in (busy, idle):
            sender.close()


async def test_stop_cuts_what_does_not_end_in_time() -> None:
    async with listening(gated(asyncio.Event())) as server:
        sender = await connect(server)
        await sender.write(frame(b"A"))
        await until(lambda: server.stats.received == 1)
        started = time.monotonic()
        await server.stop(0.1)
        assert time.monotonic() - started < 1
        assert server.stats.replied == 0
        sender.close()


async def test_the_port_must_be_free() -> None:
    async with listening() as server:
        with pytest.raises(OSError, match="in use"):
            await MllpServer(MllpConfig(port=server.port), echo).start()


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        MllpConfig(max_frame=10, total_byte_budget=5)
    assert caught.value.context["name"] == "total_byte_budget"


async def _keep_writing(sender: Sender, data: bytes, seconds: float) -> None:
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            await sender.write(data)
            await asyncio.sleep(0.02)
    except ConnectionError:
        return
