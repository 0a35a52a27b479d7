"""A listener told new settings: nobody is cut off or turned away, who comes next meets the new certificate."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from connector.base.errors import SettingsError
from connector.hl7.framing import frame
from tests.hl7_core.certificates import Authority
from tests.hl7_core.peers import Sender, connect, listening


def common_name(sender: Sender) -> str:
    certificate = sender.writer.get_extra_info("peercert")
    return str(dict(pair for part in certificate["subject"] for pair in part)["commonName"])


async def test_open_connections_stay_and_the_next_ones_see_the_new_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    old, new = authority.issue("listener-2026"), authority.issue("listener-2027")
    context = authority.client()
    context.check_hostname = False
    async with listening(tls_cert=old.certificate, tls_key=old.key) as server:
        port = server.port
        kept = await connect(server, ssl=context)
        await kept.write(frame(b"before")[:4])
        await server.renew(replace(server.config, tls_cert=new.certificate, tls_key=new.key))
        assert server.port == port
        assert server.listening
        # a message begun before, ended after
        await kept.write(frame(b"before")[4:])
        assert await kept.reply() == b"reply to before"
        later = await connect(server, ssl=context)
        await later.write(frame(b"after"))
        assert await later.reply() == b"reply to after"
        assert (common_name(kept), common_name(later)) == ("listener-2026", "listener-2027")
        kept.close()
        later.close()


async def test_an_unusable_certificate_changes_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    pem = authority.issue("listener")
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    async with listening(tls_cert=pem.certificate, tls_key=pem.key) as server:
        config = server.config
        with pytest.raises(SettingsError):
            await server.renew(replace(config, tls_cert=wrong))
        assert server.config is config
        sender = await connect(server, ssl=authority.client())
        await sender.write(frame(b"A"))
        assert await sender.reply() == b"reply to A"
        sender.close()


async def test_tls_can_be_switched_on_and_new_limits_count_for_new_connections() -> None:
    async with listening(max_frame=1000) as server:
        kept = await connect(server)
        await server.renew(replace(server.config, max_frame=10, max_per_peer=2))
        large = frame(b"M" * 500)
        await kept.write(large)
        assert (await kept.reply()).startswith(b"reply to MMM")
        second = await connect(server)
        await second.write(frame(b"small") + large + frame(b"again"))
        assert await second.reply() == b"reply to small"
        assert await second.reply() == b"reply to again"
        third = await connect(server)
        assert await third.closed()
        for sender in (kept, second, third):
            sender.close()


async def test_nobody_is_turned_away_while_it_renews() -> None:
    async with listening() as server:
        served = 0
        stop = asyncio.Event()

        async def knock() -> None:
            nonlocal served
            while not stop.is_set():
                sender = await connect(server)
                await sender.write(frame(b"A"))
                assert await sender.reply() == b"reply to A"
                sender.close()
                served += 1

        knockers = [asyncio.create_task(knock()) for _ in range(4)]
        for _ in range(50):
            await server.renew(server.config)
            await asyncio.sleep(0.005)
        stop.set()
        await asyncio.gather(*knockers)
        assert served > 20
        assert server.stats.rejected == 0


async def test_a_stopped_listener_is_not_brought_back() -> None:
    async with listening() as server:
        port = server.port
        await server.renew(server.config)
        await server.stop(1.0)
        assert not server.listening
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
