"""``python -m tinyagent`` is the command ``tinyagent``."""

from tinyagent.cli import app

if __name__ == "__main__":
    app(prog_name="tinyagent")
