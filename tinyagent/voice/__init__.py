"""Speech: from a recording to the words of a request, on this machine.

``audio`` reads recordings, ``dictation`` takes one in while it is spoken, ``activity`` hears
when somebody speaks, ``model`` finds the speech model (``hub`` fetches it, ``progress`` tells
how far that is), ``transcriber`` writes down what was said, ``names`` and ``phones`` put in the
names that this person uses, ``listener`` is all of that for the page and the command line.
``recordings`` keeps what was said beside the trace; ``espeak`` speaks, to evaluate and to test.
"""
