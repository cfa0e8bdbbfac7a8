"""Answers: begins the replies of one call, with the call's agent, model, language, voice and history, and ends them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic_ai.messages import ModelMessage, ToolReturnPart

from server.agent.call_language import SpeaksLanguages
from server.agent.passing_on import PassingOn
from server.agent.recollection import Recollection
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.spoken.beginning import spoken_mind, text_models
from server.agent.spoken.heard import Heard
from server.agent.spoken.model import SpokenModel
from server.call.agent_messages import Ask
from server.call.budget import Budget
from server.call.host import Host
from server.call.mind.beside import Beside
from server.call.mind.instructions import Instructions
from server.call.mind.language import LanguageOfCall
from server.call.mind.lasting import Lasting
from server.call.mind.news import News
from server.call.mouth.keystrokes import Keystrokes
from server.call.mouth.reply import Pronunciation, Reply
from server.call.mouth.source import Line, Source
from server.call.mouth.stopwatch import Stopwatch
from server.call.setup import CallSetup
from server.call.turns.lexicon.lexicon import Wanted
from server.media.frame import HEARD_RATE
from server.media.resample import Resampler
from server.pace import Pace

ENDING_S = 2.0
"""How long a new reply waits for a cancelled one, and for its tools, so that the agent knows their results. The caller
waits meanwhile, too."""

REQUESTS_A_SECOND = 1.0
"""How often the model of one call may be asked for an answer. Each request costs money, also one that is cancelled. A
caller who speaks in short sentences causes one in two seconds, with those that are made in pauses and dropped."""
REQUESTS_AT_ONCE = 8
"""How many requests may follow each other at once. More wait for their turn, which no caller notices who listens."""
REQUEST_CHECK_S = 0.05
"""How often a reply that has to wait looks whether it may ask the model."""


class Answers:
    """The replies of one call that are being made."""

    def __init__(
        self,
        setup: CallSetup,
        language: LanguageOfCall,
        lasting: Lasting,
        host: Host,
        budget: Budget,
    ) -> None:
        self.language = language
        self.instructions = Instructions()
        """What an operator tells the model."""
        self.not_passed_on = ""
        """What the model is told after the caller has cut in on an answer that was to pass the call on."""
        if isinstance(setup.deps, SpeaksLanguages):
            setup.deps.call_language = language
        self._setup = setup
        self._history, self.brought = lasting.history, lasting.brought
        self.brought.serve(setup)
        self._host = host
        self._budget = budget
        self.background = lasting.background
        """The tools that run while the talk goes on."""
        self.background.names = setup.agent.background
        self.news = News()
        """Their results."""
        self._runs = RunSetup(
            setup.agent,
            setup.engines.model,
            setup.deps,
            setup.settings.run,
            None,
            lambda: language.to_answer_in,
            budget,
            self._start_tool,
            lambda returned: self.on_late_result(returned),
            self.background,
            lambda: f"{self.instructions.text}\n{self.not_passed_on}".strip(),
            setup.engines.fallbacks,
            setup.engines.breakers,
            host.id,
            host.pass_on,
            watcher=setup.engines.watcher,
        )
        self._recollection = Recollection(host.id, self._runs, host.start, self._history.memory)
        self._mind = spoken_mind(
            setup.engines.spoken,
            setup.settings.spoken,
            lambda: self.brought.added_to(self._runs),
            host.start,
            lambda: self._history.messages,
        )
        """The speech-to-speech model of the call, if it has one."""
        self.on_sound: Callable[[Reply], None] = lambda reply: None
        """Is told when a reply that had nothing to be heard has something."""
        self.on_late_result: Callable[[ToolReturnPart], None] = lambda returned: None
        """Is told of each tool that returns when its reply is over already."""
        self.beside = Beside(host, self._beside)
        """What the client asks beside the talk."""
        self._requests = Pace(REQUESTS_A_SECOND, REQUESTS_AT_ONCE)
        self._now = asyncio.get_running_loop().time
        self._tasks: dict[Reply, asyncio.Task[None]] = {}
        self._tools: set[asyncio.Task[None]] = set()

    @property
    def relief(self) -> PassingOn | None:
        """Who takes the call when the agent has failed for too often."""
        return self._setup.agent.relief

    @property
    def expected(self) -> Sequence[str]:
        """Sentences that the caller may say now."""
        agent = self._setup.agent
        asked = self.language.lexicon.asked_for(self._history.last_said) is Wanted.NUMBER
        return self.language.expected(agent.number_phrases if asked and agent.number_phrases else agent.phrases)

    @property
    def unanswered(self) -> bool:
        """The history ends with words to which there is no answer."""
        return self._history.unanswered

    def begin(self, prompt: str, stopwatch: Stopwatch, instructions: str = "") -> Reply:
        """Let the agent answer. Nothing of it is heard, and no tool has an effect, before the reply is committed.

        When the budget of the call is used up, the reply is the agent's goodbye. `instructions` are the client's, for
        this answer alone.
        """
        if self._budget.spent:
            return self.line(self.goodbye_after(), stopwatch)

        def recall() -> list[ModelMessage]:
            run.known = self.news.count
            return self._recollection.recall(self._history.messages)

        setup, spoken = self.brought.added_to(self._runs, instructions), None
        if self._mind is not None:
            models = text_models(setup)
            spoken = SpokenModel(self._mind, models)
            setup = replace(setup, model=spoken, fallbacks=models, asks_early=False)
        run = AgentRun(setup, prompt, recall)
        reply = self._make(run, lambda: self.language.of_answers, stopwatch)
        if spoken is not None:
            spoken.on_lost = run.lose
            reply.let_speak(spoken)
        return reply

    def listen(self, words: Callable[[], str]) -> Heard | None:
        """An utterance begins, whose `words` will be known. None: the model of the call does not hear its sound."""
        if self._mind is None:
            return None
        return self._mind.listen(words, Resampler(HEARD_RATE, self._mind.model.audio_input_sample_rate).convert)

    def forget(self, sound: Heard | None) -> None:
        """This was no utterance."""
        if self._mind is not None and sound is not None:
            self._mind.drop(sound)

    def _beside(self, question: Ask) -> AgentRun:
        """The run that answers a question of the client beside the talk. It has no tools of the client."""
        runs = replace(self.brought.added_to(self._runs), toolsets=[])
        history = self._recollection.recall(self._history.messages) if question.history else []
        return AgentRun(runs, question.text, lambda: history)

    @property
    def tools_running(self) -> bool:
        """A tool has not returned, perhaps one whose answer was cut off."""
        return bool(self._tools)

    def goodbye_after(self, why: str = "") -> Line:
        """`why`, and what the agent says when the server has to end the call; empty if its author wants no words."""
        text = f"{why} {self.language.line('goodbye')}".strip()
        return Line(text, "The call has to end.", interruptible=False)

    def line(self, line: Line | Keystrokes, stopwatch: Stopwatch) -> Reply:
        """Let the agent say a fixed text, or press keys, for which nobody asked."""
        spoken_as = self.language.of_line(line.text)
        return self._make(line, lambda: spoken_as, stopwatch, line.interruptible)

    def stop(self, reply: Reply) -> None:
        """Make no more of it; idempotent."""
        reply.give_up()
        if (task := self._tasks.get(reply)) is not None:
            task.cancel()

    def stop_all(self) -> None:
        """Make no more of any reply. Tools may come to their end."""
        self._recollection.stop()
        if self._mind is not None:
            self._mind.close()
        for reply in list(self._tasks):
            self.stop(reply)

    def _make(
        self,
        source: Source,
        spoken_as: Callable[[], Pronunciation],
        stopwatch: Stopwatch,
        interruptible: bool = True,
    ) -> Reply:
        """Begin to make a reply. It waits until the stopped replies have ended: their tools and history come first."""
        if self._mind is not None:
            self._mind.open()  # the greeting gives it time to connect
        speech = self._setup.engines.text_to_speech
        reply = Reply(source, speech, spoken_as, stopwatch.mark, self.on_sound, interruptible)
        ending = [task for task in self._tasks.values() if task.cancelling()]
        if not any(reply.source.tool_running for reply, task in self._tasks.items() if not task.cancelling()):
            ending += self._tools
        ready = partial(self._until_ready, reply, ending)
        task = self._tasks[reply] = self._host.start(stopwatch.trace.within(partial(reply.run, ready)), "reply")
        task.add_done_callback(lambda _: self._tasks.pop(reply, None))
        return reply

    def _start_tool(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        task = self._host.start(work, name)
        self._tools.add(task)
        task.add_done_callback(self._tools.discard)
        return task

    async def _until_ready(self, reply: Reply, ending: list[asyncio.Task[None]]) -> None:
        """Wait until the reply may be composed."""
        if ending:
            await asyncio.wait(ending, timeout=ENDING_S)
        if isinstance(reply.source, AgentRun):
            while not self._requests.admits(self._now()):  # noqa: ASYNC110  # a reply that is stopped takes no turn
                await asyncio.sleep(REQUEST_CHECK_S)
