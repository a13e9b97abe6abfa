"""Where tools act: the interface (``base``), a folder (``workspace``), a Mac (``macos``)."""
