"""Benches: each answers one question about speed, turn-taking or resilience. README.md lists all of them."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""As in a speech worker. A second thread would only wait, and its waiting would count as CPU time."""
