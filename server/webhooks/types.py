"""The types of events that are posted."""

STARTED, EXCHANGE, TOOL, HANDED_OVER, ENDED = "call.started", "exchange", "tool", "call.handed_over", "call.ended"
TYPES = (STARTED, EXCHANGE, TOOL, HANDED_OVER, ENDED)
