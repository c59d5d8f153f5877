"""Serve a SavedModel over HTTP, by the REST paths of TensorFlow Serving.

millstream serve models/half_plus_two --port 8501
curl -d '{"instances": [1.0, 2.0]}' localhost:8501/v1/models/half_plus_two:predict
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from millstream.tools import report
from millstream.tools.serving.http import ModelServer
from millstream.tools.serving.versions import ModelVersions


def main(arguments: list[str]) -> int:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(
        prog="millstream serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a SavedModel, or a directory with one per version number")
    parser.add_argument("--name", help="the model's name in paths (the directory's)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8501, help="port, 0 for a free one (8501)")
    parser.add_argument(
        "--max-batch", type=int, default=1, metavar="N", help="rows to run together at most (1)"
    )
    parser.add_argument(
        "--batch-timeout-ms", type=float, default=1.0, metavar="MS", help="wait for others (1)"
    )
    parser.add_argument(
        "--poll-seconds", type=float, default=1.0, metavar="S", help="look for versions every S (1)"
    )
    parser.add_argument(
        "--max-bytes", type=int, default=64_000_000, metavar="N", help="longest request (64000000)"
    )
    options = parser.parse_args(arguments)
    return report.guarded("serve", lambda: _serve(options))


def start(options: Any) -> ModelServer:
    """Loads the model and opens the port; returns the server, not yet serving."""
    versions = ModelVersions(options.model, options.max_batch, options.batch_timeout_ms)
    versions.watch(options.poll_seconds)
    name = options.name or os.path.basename(os.path.abspath(options.model))
    return ModelServer((options.host, options.port), name, versions, options.max_bytes)


def _serve(options: argparse.Namespace) -> None:
    server = start(options)
    host, port = server.server_address[:2]
    url = f"http://{host}:{port}/v1/models/{server.name}"
    print(f"serving {options.model} at {url} (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped")
    finally:
        server.server_close()
        server.versions.close()
