"""How long does a caller wait? The command is `python -m bench.caller`; other benches call by the modules beside it."""
