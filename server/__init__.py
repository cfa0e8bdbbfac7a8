"""The server. This file runs before every module of it, and sees to it that no library calls its maker.

ONNX Runtime otherwise writes an id of this machine to ~/.cache and sends events to its maker. It reads its variable
when it is imported: switching that off later is too late. Ray would send statistics of each cluster that is started
here. Workers inherit these variables.
"""

import os

for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
