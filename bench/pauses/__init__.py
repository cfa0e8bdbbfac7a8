"""Is the caller done? How often the endpoint is wrong, and how long it lets the caller wait."""
