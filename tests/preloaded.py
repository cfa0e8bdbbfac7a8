"""What the process that servers are forked from has done before, so that no server does it again."""

import gc

import genai_prices.data  # noqa: F401  # pydantic-ai reads it when the first model is made

import antiphon.__main__  # noqa: F401
import server.app  # noqa: F401

gc.collect()
gc.freeze()  # a server collects garbage when it starts; without this it would copy each page of memory that it looks at
