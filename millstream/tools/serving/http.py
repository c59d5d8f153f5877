"""The HTTP server: `/v1/models/NAME[/versions/N][/metadata][:predict|:classify|:regress]`."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from millstream.base import logging
from millstream.base.errors import InvalidArgumentError, NotFoundError, OpError
from millstream.tools.serving.model import METHODS
from millstream.tools.serving.versions import ModelVersions

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(/versions/(?P<version>\d+))?"
    r"(?P<metadata>/metadata)?(:(?P<method>\w+))?"
)
_STATUS = ((NotFoundError, 404), (InvalidArgumentError, 400))


class ModelServer(ThreadingHTTPServer):
    """Serves one model.

    Args:
      address: `(host, port)`; port 0 takes a free one.
      name: the model's name in paths.
      versions: the model.
      max_bytes: bytes of the longest request that is read.
    """

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], name: str, versions: ModelVersions, max_bytes: int
    ) -> None:
        super().__init__(address, _Handler)
        self.name = name
        self.versions = versions
        self.max_bytes = max_bytes


class _Handler(BaseHTTPRequestHandler):
    """Answers one request in JSON."""

    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_GET(self) -> None:
        """Tells the status of the model, or its signatures."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Runs a signature."""
        self._answer(self._post)

    def _get(self) -> dict[str, Any]:
        parts = self._parts()
        if parts["method"]:
            raise InvalidArgumentError(None, None, f":{parts['method']} wants a POST request")
        with self.server.versions.use(_number(parts["version"])) as serving:
            if not parts["metadata"]:
                return {"model_version_status": self.server.versions.status()}
            version = str(serving.model.version)
            spec = {"name": self.server.name, "signature_name": "", "version": version}
            return {"model_spec": spec, "metadata": serving.model.metadata()}

    def _post(self) -> dict[str, Any]:
        body = self._body()
        parts = self._parts()
        method = METHODS.get(parts["method"] or "")
        if method is None or parts["metadata"]:
            known = ", ".join(f":{name}" for name in METHODS)
            raise NotFoundError(None, None, f"{self.path} is no method; there are {known}")
        try:
            request = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(None, None, f"JSON Parse error: {error}") from None
        with self.server.versions.use(_number(parts["version"])) as serving:
            return method(serving.model, request, serving.run)

    def _parts(self) -> dict[str, Any]:
        found = _PATH.fullmatch(self.path.partition("?")[0])
        if found is None or found["name"] != self.server.name:
            here = f"/v1/models/{self.server.name}"
            raise NotFoundError(None, None, f"{self.path} is not served; try {here}")
        return found.groupdict()

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            raise InvalidArgumentError(None, None, "the request has no Content-Length")
        if int(length) > self.server.max_bytes:
            self.close_connection = True
            message = f"the request has {length} bytes; {self.server.max_bytes} are read at most"
            raise InvalidArgumentError(None, None, message)
        return self.rfile.read(int(length))

    def _answer(self, make: Any) -> None:
        try:
            status, content = 200, make()
        except OpError as error:
            status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
            content = {"error": error.message}
        except Exception as error:  # noqa: BLE001 - the client gets it, the server goes on
            logging.error("request failed", exc_info=True)
            status, content = 500, {"error": f"{type(error).__name__}: {error}"}
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs at the level of debugging what the base class would print."""
        logging.debug(format, *args)


def _number(version: str | None) -> int | None:
    return None if version is None else int(version)
