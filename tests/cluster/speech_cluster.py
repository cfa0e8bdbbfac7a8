"""A Ray cluster of one machine that serves the speech models, in a process of its own.

    python -m tests.cluster.speech_cluster '{"models_dir": "models"}'

All of its traffic is on the loopback interface. It ends when its standard input ends. It prints a line of JSON with the
base URL, and answers each line on its standard input with one: what a replica has counted, or why other settings are
refused.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import uuid
from typing import Any

from server.cluster.speech.asked import Counts, Texts
from tests.started import ROOT


class SpeechCluster:
    """The process, for tests."""

    def __init__(self, **settings: object) -> None:
        """`settings` are those of SpeechSettings."""
        # a token of its own: Ray would otherwise write one to the home directory
        environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(settings)],
            cwd="/",  # so that replicas find the code only by what `deploy` tells them
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.base_url: str = self._read()

    def finals(self) -> Counts:
        """What the replica of Whisper has done."""
        found = self._ask({"counts": "stt"})
        return Counts(found["finals"], found["drafts"], {int(size): n for size, n in found["together"].items()})

    def texts(self) -> Texts:
        """What the replica of the voices has done."""
        return Texts(**self._ask({"counts": "tts"}))

    def refusal(self, **settings: object) -> str:
        """Why these settings cannot be deployed."""
        return str(self._ask({"deploy": settings}))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # Ray prints to it, too
            if line.startswith("{"):
                return json.loads(line)["answer"]
        raise RuntimeError("the cluster has ended")


def main() -> None:
    import ray

    from server.cluster.speech.app import deploy, undeploy
    from server.cluster.speech.settings import SpeechSettings

    ray.init(
        address="local",
        num_cpus=4,  # of Ray's: what replicas reserve
        num_gpus=0,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=100 * 2**20,
        _node_ip_address="127.0.0.9",  # Ray replaces 127.0.0.1 by an address of the network
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer(deploy(SpeechSettings(**json.loads(sys.argv[1])), port=port))
    for line in sys.stdin:
        answer(answered(json.loads(line)))
    undeploy()
    undeploy()  # idempotent
    ray.shutdown()


def answered(question: dict[str, Any]) -> object:
    from dataclasses import asdict

    from ray import serve

    from server.cluster.speech.app import NAME, deploy
    from server.cluster.speech.settings import SpeechSettings
    from server.errors import ConfigError

    if "counts" in question:
        return asdict(serve.get_deployment_handle(question["counts"], NAME).counts.remote().result(timeout_s=30))
    try:
        return deploy(SpeechSettings(**question["deploy"]))
    except ConfigError as refused:
        return str(refused)


def answer(told: object) -> None:
    print(json.dumps({"answer": told}), flush=True)


if __name__ == "__main__":
    main()
