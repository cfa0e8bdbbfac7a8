"""A model hub on loopback: the few answers of Hugging Face that its own downloader needs for small files."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0" * 40
_FILE = re.compile(rf"/(?P<repository>[^/]+/[^/]+)/resolve/(?:main|{COMMIT})/(?P<file>[^?]+)")
_TREE = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)/tree/")
_INFO = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)(/revision/[^/?]+)?(\?.*)?$")


def _entry(name: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "oid": hashlib.sha1(content).hexdigest(), "size": len(content), "path": name}


@contextmanager
def model_hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[str]:
    """Serve these repositories, each with its files by their paths. Gives the address of the hub."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/":
                return self._send(b"the hub")
            if found := _INFO.match(self.path):
                files = repositories.get(found["repository"])
                if files is None:
                    return self._send(b"", 404)
                siblings = [{"rfilename": name} for name in files]
                return self._json({"id": found["repository"], "sha": COMMIT, "siblings": siblings})
            if found := _TREE.match(self.path):
                files = repositories[found["repository"]]
                return self._json([_entry(name, content) for name, content in files.items()])
            if found := _FILE.match(self.path):
                content = repositories.get(found["repository"], {}).get(found["file"])
                return self._send(content or b"", 200 if content is not None else 404)
            return self._send(b"", 404)

        do_HEAD = do_GET

        def _json(self, answer: object) -> None:
            self._send(json.dumps(answer).encode())

        def _send(self, content: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
