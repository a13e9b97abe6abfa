"""Serve the page: ``python app.py``, then open http://127.0.0.1:7860.

Exit status 2, and one line that says why, where it cannot start.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

# Gradio reads it when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from tinyagent.agent import TinyAgent
from tinyagent.errors import TinyAgentError
from tinyagent.settings import load_settings
from ui.server import HOST, PASSWORD_VARIABLE, require_free, require_password


def main() -> int:
    """Serve until Ctrl-C; the exit status."""
    options = _options()
    try:
        require_password(options.host, os.environ.get(PASSWORD_VARIABLE, ""))
        require_free(options.port, options.host)
        settings = load_settings(
            options.settings,
            backend=options.backend,
            workspace=options.workspace,
            traces=options.traces,
        )
        with closing(TinyAgent.open(settings)) as agent:
            for trouble in agent.troubles:
                print(trouble, file=sys.stderr)
            _serve(agent, options.port, options.host, options.mcp)
    except (TinyAgentError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(agent: TinyAgent, port: int, host: str, mcp: bool) -> None:
    # Gradio takes seconds to import; what can be wrong is said before.
    from ui.page import launch

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        password = "" if host == HOST else os.environ[PASSWORD_VARIABLE]
        blocks = launch(agent, port, host, password)
        # With --mcp, stdout belongs to the client.
        out = sys.stderr if mcp else sys.stdout
        print(f"TinyAgent is at http://{host}:{port} (Ctrl-C ends it)", file=out, flush=True)
        try:
            if mcp:
                from tinyagent.mcp.server import serve

                serve(agent, with_page=True)
            else:
                threading.Event().wait()
        finally:
            blocks.close(verbose=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve TinyAgent's page on this computer.")
    parser.add_argument("--port", type=int, default=7860, help="default: %(default)s")
    parser.add_argument(
        "--host",
        default=HOST,
        help="an address of this computer, for others to reach it at; default: %(default)s. "
        f"Needs a password in ${PASSWORD_VARIABLE}",
    )
    parser.add_argument("--backend", choices=["workspace", "macos"])
    parser.add_argument("--workspace", type=Path, help="folder of the workspace backend")
    parser.add_argument("--traces", type=Path, help="SQLite file of the traces")
    parser.add_argument("--settings", type=Path, help="another settings file")
    parser.add_argument(
        "--mcp",
        action="store_true",
        help="serve another agent on stdin and stdout as well; approve on the page",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
