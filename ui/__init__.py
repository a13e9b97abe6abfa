"""The page: what a run's events fold into, drawn in a browser.

``page`` lays it out and wires it, ``server`` guards and serves it; every other
module turns a ``RunState`` into one part of it. Nothing here decides anything.
"""
