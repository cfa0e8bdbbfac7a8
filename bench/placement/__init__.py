"""Where should the door put a call, and what happens when workers fail? The command is `python -m bench.scale_sim`."""
