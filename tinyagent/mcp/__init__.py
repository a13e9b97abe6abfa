"""The Model Context Protocol: TinyAgent for other agents (``server``), their tools (``client``)."""
