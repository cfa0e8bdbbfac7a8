"""Small talk: rules for what callers say beside their errand, down to the goodbye."""

from server.agent.demo import shop
from server.agent.demo.decision import Decision, Request

CAN_DO = "I can look up an order, tell you our opening hours, book a callback, or do a sum."
_LEAVING = (
    *("hang up", "that is all", "that will be all", "that is everything", "that is it", "nothing else", "i am done"),
    *("end the call", "end call", "finish the call", "see you", "have a nice day", "have a good day", "good night"),
)
_SMALL_TALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("thank", "thanks", "cheers", "very much"), "You're welcome. Is there anything else?"),
    (("can you hear", "do you hear", "hear me", "are you there"), "Yes, I can hear you."),
    (
        ("robot", "human", "machine", "computer", "person", "bot", "real"),
        "I am a program, the shop's front desk. " + CAN_DO,
    ),
    (("your name", "who is this", "am i speaking"), f"I am the front desk of {shop.NAME}. " + CAN_DO),
    (
        ("can you do", "you do", "help", "how does this work", "what can i", "question", "ask you"),
        f"Of course. {CAN_DO}",
    ),
    (("where are you", "address", "where is", "find you", "located"), f"We are at {shop.ADDRESS}."),
    (("how are you", "how is it going"), "Very well, thank you. How can I help?"),
    (("someone", "somebody", "speak to", "talk to"), "Nobody is free right now. Shall I book a callback?"),
)
_SHORT_WORDS = 4
"""The short talk below counts in sentences of up to this many words. A longer one is not about its "please" or "no"."""
_SHORT_TALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("hold on", "wait", "moment", "second", "hang on"), "Of course. Take your time."),
    (("stop", "be quiet", "enough"), "All right. I am listening."),
    (("sorry", "never mind", "forget it"), "No problem. How can I help?"),
    (("hello", "hi", "hey", "good morning", "good afternoon", "good evening"), "Hello. How can I help?"),
    (("yes", "yeah", "yep", "sure", "okay", "right", "please"), "All right. What can I do for you?"),
    (("no", "nope", "nah", "uh uh", "not really"), "All right. Just say goodbye when you are done."),
    (
        tuple("uh huh|mhm|mm|mm hm|mm hmm|hm|hmm|i see|got it|great|good|really|of course|all right|oh".split("|")),
        "Good. What else can I do for you?",
    ),
)


def bye(request: Request) -> Decision | None:
    """The caller wants to end the call."""
    leaving = request.any("bye", "farewell") or any(request.has(phrase) for phrase in _LEAVING)
    return Decision(tool="hang_up") if leaving else None


def who(request: Request) -> Decision | None:
    """Answer "who are you". It has no content word, so it is recognized by having no other words."""
    if "you" not in request.words or not {"who", "are", "you", "and"}.issuperset(request.words):
        return None
    return Decision(f"I am the front desk of {shop.NAME}. {CAN_DO}", asks=request.asked)


def pleasantry(request: Request) -> Decision | None:
    """Answer thanks, a greeting or a question about the agent. The first phrase of the table that was said decides."""
    for phrases, text in _SMALL_TALK + (_SHORT_TALK if len(request.words) <= _SHORT_WORDS else ()):
        if any(request.has(phrase) for phrase in phrases):
            return Decision(text, asks=request.asked)
    return None
