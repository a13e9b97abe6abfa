"""``python -m tinyagent``: the same as the command ``tinyagent``."""

from tinyagent.commands.cli import app

if __name__ == "__main__":
    app()
