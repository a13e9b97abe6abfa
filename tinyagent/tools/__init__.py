"""Tools: what they are (``registry``), what flows through them (``kinds``), the sixteen."""
