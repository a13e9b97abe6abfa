"""Speech: from a recording to the words of a request, on this machine.

``audio`` reads recordings, ``model`` finds the speech model, ``transcriber``
writes down what was said, ``names`` puts in the names that this person uses,
``recordings`` keeps what was said beside the trace.
"""
