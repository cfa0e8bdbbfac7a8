"""How many calls the tests with random calls try: so many that the suite stays short, or `FUZZ_ROUNDS`."""

import os


def seeds(usual: int) -> range:
    return range(int(os.environ.get("FUZZ_ROUNDS", usual)))
