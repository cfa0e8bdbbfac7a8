"""The demo agent: the front desk of a small book shop, for the first minute with the server.

Its tools are real and its model is a set of rules, so it needs no key, no network and no GPU. `front_desk` builds the
agent, `shop` holds its tools, `rules` decide what it says, and `phrases` are what callers are expected to say.
"""
