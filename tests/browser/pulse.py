"""A PulseAudio server for one test: what is played into it is what a browser's microphone hears."""

import asyncio
import os
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

PROGRAMS = ("pulseaudio", "pactl", "pacat")
MISSING = [program for program in PROGRAMS if shutil.which(program) is None]
RATE_HZ = 48_000
START_S = 30
STOP_S = 10
_FORMAT = ("--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1")
_MODULES = (
    f"module-null-sink sink_name=loudspeaker rate={RATE_HZ}",
    f"module-null-sink sink_name=mouth rate={RATE_HZ} channels=1",
    "module-remap-source source_name=microphone master=mouth.monitor",
    "module-loopback source=loudspeaker.monitor sink=mouth latency_msec=30",
)
ECHO = "-30dB"
"""How much of the loudspeaker the microphone hears, as in a room. Without any echo, Firefox's echo cancellation takes
the caller's first words for one, and removes them."""


class Pulse:
    """A PulseAudio server with a loudspeaker, and a microphone that hears what `play` plays.

    The microphone also hears a little of the loudspeaker. The server keeps to a directory of its own, so it meets no
    other PulseAudio server of the machine. `environment` is for programs that use it.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pulse-", ignore_cleanup_errors=True)
        here = Path(self._folder.name)
        self._socket = here / "socket"
        own = {"HOME": str(here), "XDG_RUNTIME_DIR": str(here), "PULSE_SERVER": f"unix:{self._socket}"}
        self.environment = os.environ | own

    async def start(self) -> None:
        """Start the server, and wait until programs can use it."""
        modules = (f"module-native-protocol-unix socket={self._socket} auth-anonymous=1", *_MODULES)
        loads = [option for module in modules for option in ("-L", module)]
        self._server = await self._run("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *loads)
        async with asyncio.timeout(START_S):
            while await self._control("set-default-source", "microphone") != 0:
                assert self._server.returncode is None, "PulseAudio does not start"
            await self._control("set-default-sink", "loudspeaker")
            await self._control("set-source-volume", "loudspeaker.monitor", ECHO)

    async def play(self, pcm: bytes) -> None:
        """Let the microphone hear mono PCM of RATE_HZ; returns when all of it was heard."""
        player = await self._run("pacat", "--playback", "--device=mouth", *_FORMAT, stdin=PIPE)
        await player.communicate(pcm)
        assert player.returncode == 0

    async def close(self) -> None:
        if self._server.returncode is None:
            self._server.terminate()
        async with asyncio.timeout(STOP_S):
            await self._server.wait()
        self._folder.cleanup()

    async def _control(self, *command: str) -> int:
        return await (await self._run("pactl", *command)).wait()

    async def _run(self, *command: str, stdin: int = DEVNULL) -> Process:
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdin=stdin, stdout=DEVNULL, stderr=DEVNULL
        )
