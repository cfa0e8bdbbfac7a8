"""A deployment of Ray Serve that passes on to a worker: python ray_proxy.py http://127.0.0.1:1234 8080

A Python runs it that has ray[serve]; nothing of Antiphon is imported.
"""

import asyncio
import sys
import time

import ray
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from ray import serve

UPSTREAM, PORT = sys.argv[1], int(sys.argv[2])
app = FastAPI()


@serve.deployment(max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0})
@serve.ingress(app)
class PassOn:
    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.session: ClientSession | None = None

    def client(self) -> ClientSession:
        self.session = self.session or ClientSession(self.upstream)
        return self.session

    @app.post("/{path:path}")
    async def post(self, path: str, request: Request) -> Response:
        async with self.client().post(f"/{path}", data=await request.body()) as answer:
            return Response(await answer.read(), answer.status, media_type=answer.content_type)

    @app.websocket("/{path:path}")
    async def talk(self, path: str, caller: WebSocket) -> None:
        await caller.accept()
        async with self.client().ws_connect(f"/{path}") as worker:
            back = asyncio.create_task(self.back(worker, caller), name="back")
            try:
                while True:
                    await worker.send_bytes(await caller.receive_bytes())
            except WebSocketDisconnect:
                back.cancel()

    async def back(self, worker: ClientWebSocketResponse, caller: WebSocket) -> None:
        async for message in worker:
            if message.type is WSMsgType.BINARY:
                await caller.send_bytes(message.data)


if __name__ == "__main__":
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    serve.run(PassOn.bind(UPSTREAM))
    print("serving", flush=True)
    while True:
        time.sleep(1)
