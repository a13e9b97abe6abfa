"""``python -m tinyagent``: the same as the command ``tinyagent``."""

from tinyagent.cli import app

if __name__ == "__main__":
    app()
