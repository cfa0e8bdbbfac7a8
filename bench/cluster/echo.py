"""A worker that only echoes: python -m bench.cluster.echo prints its port, and serves until it is stopped."""

import asyncio

from aiohttp import WSMsgType, web

ANSWER = {"sdp": "a" * 3_000, "type": "answer", "pc_id": "w1-0", "session_id": "w1-1"}
"""As long as the answer to the offer of a browser."""


async def offer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response(ANSWER)


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def main() -> None:
    app = web.Application()
    app.router.add_post("/api/offer", offer)
    app.router.add_get("/api/voice/conversation/{id}", echo)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
