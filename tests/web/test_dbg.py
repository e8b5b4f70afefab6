import sys, asyncio, contextlib, websockets, pytest
from tests.web.test_progress import socket_of, close_code
@pytest.mark.parametrize("i", range(150))
async def test_dbg(site, member, i):
    async with socket_of(site, member.token) as line:
        await asyncio.sleep(i%50/5000)
        await line.send(b"")
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(100 if i%2 else 35):
                await line.send("x")
        try:
            assert await close_code(line, 2) == 1008
        except TimeoutError:
            for t in asyncio.all_tasks():
                t.print_stack(file=sys.stdout)
            raise
