"""Measures of what the server does for its callers. bench/README.md lists them."""

import os

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # as in a speech worker; a second thread would only wait, and cost CPU time
