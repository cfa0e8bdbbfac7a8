"""The ways on which a client reaches an agent: the usual one, and one for each agent by its name or number.

Everything that a client needs is on each way: the page with its files, and the addresses under /api. So a client needs
only another base address to call another agent.
"""

AGENT_WAY = "/agents/{dialled}"
WAYS = ("", AGENT_WAY)
"""What the paths of clients begin with. `dialled` is for `Caller.dialled`."""
SIP = "/sip"
"""Where the WebSockets of SIP phones are."""
RTVI = "/rtvi"
"""Where the WebSockets of Pipecat's clients are."""
TWILIO_VOICE = "/telephony/twilio/voice"
"""Twilio's webhook for calls."""
AGAIN = "again"
"""The parameter of the webhook when a stream is over. In a cluster it names the worker to which the stream was led,
because only that one knows the call."""
API = (
    *("/api/", "/agents/", "/telephony/", "/whip", "/whep", "/v1/", SIP),
    *(RTVI, "/start", "/connect", "/sessions/"),
)
"""What the paths begin with whose requests are checked, and whose failures are answered as JSON."""
