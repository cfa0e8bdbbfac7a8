"""Lasting: the parts of a call that stay when another agent goes on with it. All others are made anew for it."""

from dataclasses import dataclass

from server.agent.background import Background
from server.call.ears.ears import Ears
from server.call.host import Host
from server.call.mind.brought import Brought
from server.call.mind.exchange_writer import ExchangeWriter
from server.call.mind.history import History
from server.call.mind.measured import Measured, Way
from server.call.setup import CallSetup
from server.record.minutes import Minutes


@dataclass(frozen=True, slots=True)
class Lasting:
    """What was said, who writes it down, what is measured, how the caller's line sounds, the tools that still run, and
    what the client has brought."""

    history: History
    writer: ExchangeWriter
    measured: Measured
    ears: Ears
    background: Background
    brought: Brought

    def end_soon(self) -> None:
        """The call ends: tools in the background have a limited time, and the client answers no more."""
        self.writer.sign_off()
        self.background.end_soon()
        self.brought.calls.close()


def lasting(host: Host, setup: CallSetup, minutes: Minutes, way: Way) -> Lasting:
    """Make these parts for a call that goes on where the record in `minutes` stands, over the connection `way`."""
    engines, settings = setup.engines, setup.settings
    history = History(minutes.record.messages, settings.run.history_chars)
    ears = Ears(engines.voice_activity, settings.voicing, settings.endpoint.prepare_ms, engines.endpoint_model)
    background = Background((), settings.run, host.start)
    measured = Measured(way)
    writer = ExchangeWriter(host, history, minutes, measured)
    return Lasting(history, writer, measured, ears, background, Brought(host))
