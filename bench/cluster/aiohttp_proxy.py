"""The simplest proxy of aiohttp: python aiohttp_proxy.py http://127.0.0.1:1234 8080"""

import asyncio
import sys

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web


async def main(upstream: str, port: int) -> None:
    async with ClientSession(upstream) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            if "Upgrade" in request.headers:
                return await talk(request)
            async with session.request(request.method, request.path_qs, data=await request.read()) as answer:
                return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

        async def talk(request: web.Request) -> web.WebSocketResponse:
            caller = web.WebSocketResponse(compress=False)
            await caller.prepare(request)
            async with session.ws_connect(request.path_qs) as worker, asyncio.TaskGroup() as group:
                group.create_task(copy(caller, worker))
                group.create_task(copy(worker, caller))
            return caller

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        print("serving", flush=True)
        await asyncio.Event().wait()


Side = web.WebSocketResponse | ClientWebSocketResponse


async def copy(source: Side, target: Side) -> None:
    async for message in source:
        if message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
    await target.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
