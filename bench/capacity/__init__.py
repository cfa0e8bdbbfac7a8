"""How many calls does a core carry, and what does one call more cost? The command is `python -m bench.capacity`."""
