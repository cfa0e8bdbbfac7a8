"""A PulseAudio server for one test: what is played into it is what a browser's microphone hears."""

import asyncio
import os
import tempfile
from pathlib import Path

RATE_HZ = 16_000
START_S = 30
STOP_S = 10
QUIET_SINK = "loudspeaker"
SINK = "mouth"
_MODULES = (
    f"module-null-sink sink_name={QUIET_SINK}",
    f"module-null-sink sink_name={SINK} format=s16le rate={RATE_HZ} channels=1",
    f"module-remap-source source_name=microphone master={SINK}.monitor",
)
"""Browsers play into the first sink, and no monitor of it is a microphone: so the agent does not hear itself."""


class Pulse:
    """A PulseAudio server with a loudspeaker that nobody hears, and a microphone that hears what `play` plays.

    It uses only a directory of its own, so it meets no other PulseAudio server of the machine.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pulse-")
        folder = Path(self._folder.name)
        self.environment = os.environ | {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{folder / 'socket'}",
        }
        self._server: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the server, and wait until programs can use it."""
        socket = f"module-native-protocol-unix socket={self._folder.name}/socket auth-anonymous=1"
        loads = [option for module in (socket, *_MODULES) for option in ("-L", module)]
        self._server = await self._run("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *loads)
        async with asyncio.timeout(START_S):
            while await (await self._run("pactl", "set-default-source", "microphone")).wait() != 0:
                assert self._server.returncode is None, "PulseAudio does not start"
            await (await self._run("pactl", "set-default-sink", QUIET_SINK)).wait()

    async def play(self, pcm: bytes) -> None:
        """Play 16 kHz mono PCM into the microphone; returns when all of it has been heard."""
        options = (f"--device={SINK}", "--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1")
        player = await self._run("pacat", "--playback", *options)
        await player.communicate(pcm)
        assert player.returncode == 0

    async def close(self) -> None:
        if self._server is not None and self._server.returncode is None:
            self._server.terminate()
            async with asyncio.timeout(STOP_S):
                await self._server.wait()
        self._folder.cleanup()

    async def _run(self, *command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
