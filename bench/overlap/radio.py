"""A caller in a room with a radio: people talk all the time, and the caller asks the demo agent its questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from bench.common.rehearsal import Rehearsal, Stage, in_a_room
from bench.overlap.answers import Asked, Asking, replies, what_became_of
from bench.overlap.outcome import audible
from bench.speech.levels import level, louder, mixed
from server.agent.demo.front_desk import front_desk
from server.call.options import Patience
from server.call.settings import CallSettings
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.overlap import OverlapSettings
from server.call.turns.patience import endpoint_of, overlap_of
from server.media.frame import FRAME_MS, HEARD_BYTES
from tests.virtual_time import run_virtual
from tests.voices import silence

QUESTIONS = (
    ("when do you open on saturday", "ten"),
    ("where is my order four two seven one", "four two seven one"),
    ("what is seven times eight", "fifty six"),
    ("are you open on sunday", "closed"),
    ("where is the shop", "bridge street"),
    ("where is order number one eight three five", "one eight three five"),
    ("what is twelve plus thirty", "forty two"),
    ("can you call me back tomorrow at ten", "call you back"),
    ("when do you close on monday", "six"),
    ("what can you do for me", "opening hours"),
)
"""What the caller asks, in turn, and words that the right answer has."""
QUIET_MS = 1_500
"""The caller asks when the agent has been silent for so long."""
NO_ANSWER_MS = 10_000
"""The caller asks the next question when nothing has come for so long."""
TALKED_OVER_MS = 20_000
"""After so long the caller asks, even if the agent speaks."""
NOON = datetime(2026, 3, 4, 12)
"""The time in the shop, so that the answers are always the same."""


@dataclass(frozen=True, slots=True)
class RadioScene:
    """One call. Sounds are 16 kHz PCM."""

    voice: str
    questions: tuple[bytes, ...]
    """QUESTIONS, said by the voice."""
    radio: bytes
    """Empty when there is no radio. It begins again when it is over."""
    db: float
    """How much louder the radio is than the caller: a negative number."""
    seconds: int


@dataclass(frozen=True, slots=True)
class RadioOutcome:
    """What one call was like."""

    scene: RadioScene
    asked: tuple[Asked, ...]
    unheard: int
    """Answers that were cancelled before the caller heard any of them."""
    unasked: int
    """Answers that were heard beside the first one to each question: mostly to the radio."""


class Caller:
    """Asks one question after the other. Give it what the caller has heard so far, frame by frame."""

    def __init__(self, questions: Sequence[bytes]) -> None:
        self.asked: list[Asking] = []
        self._questions = questions
        self._numbers = count()
        self._saying = b""
        self._silent_ms = 0
        """Since the agent's last sound, or the caller's own."""
        self._waiting_ms = 0
        """Since the caller's own last sound."""
        self._heard = False
        """Whether the agent has said something since."""

    def say(self, now_ms: int, heard: bytes | None) -> bytes:
        """The caller's next frame. `heard` is what the agent has just said."""
        agent = audible(heard)
        self._heard = self._heard or agent
        self._silent_ms = 0 if agent else self._silent_ms + FRAME_MS
        self._waiting_ms += FRAME_MS
        if not self._saying and self._wants_to_ask:
            number = next(self._numbers) % len(self._questions)
            self._saying = self._questions[number]
            self.asked.append(Asking(*QUESTIONS[number], now_ms, now_ms + len(self._saying) * FRAME_MS // HEARD_BYTES))
        frame, self._saying = self._saying[:HEARD_BYTES], self._saying[HEARD_BYTES:]
        if frame:
            self._silent_ms = self._waiting_ms = 0
            self._heard = False
        return frame.ljust(HEARD_BYTES, b"\0")

    @property
    def _wants_to_ask(self) -> bool:
        answered = self._heard or self._waiting_ms >= NO_ANSWER_MS
        return (answered and self._silent_ms >= QUIET_MS) or self._waiting_ms >= TALKED_OVER_MS


def play_radio(scene: RadioScene, stage: Stage, patience: Patience = "normal") -> RadioOutcome:
    """Rehearse the call."""

    async def call() -> RadioOutcome:
        settings = CallSettings(
            endpoint=endpoint_of(patience, EndpointSettings()), overlap=overlap_of(patience, OverlapSettings())
        )
        rehearsal = Rehearsal(stage, settings, who=front_desk(lambda: NOON))
        caller, room = Caller(scene.questions), in_a_room(_radio(scene))

        def sound(number: int) -> bytes:
            heard = rehearsal.heard[-1] if rehearsal.heard else None
            return mixed(caller.say(number * FRAME_MS, heard), room[number])

        await rehearsal.play(sound, len(room))
        said = replies(rehearsal.sent, rehearsal.heard)
        asked = tuple(what_became_of(caller.asked, rehearsal.sent, rehearsal.heard))
        heard = sum(reply.asked and bool(reply.text) for reply in said)
        unheard = sum(reply.cut_off and not reply.text for reply in said)
        return RadioOutcome(scene, asked, unheard, heard - sum(each.answered for each in asked))

    return run_virtual(call(), limit_s=2 * scene.seconds + 60)


def _radio(scene: RadioScene) -> bytes:
    """The radio as it sounds at the caller's microphone, for the whole call."""
    length = len(silence(scene.seconds))
    if not scene.radio:
        return silence(scene.seconds)
    gain = level(b"".join(scene.questions)) * 10 ** (scene.db / 20) / level(scene.radio)
    return (louder(scene.radio, gain) * (length // len(scene.radio) + 1))[:length]
