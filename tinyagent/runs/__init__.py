"""A run, from the request to the answer: ``loop`` ties its parts, ``executor`` does the approved
calls (``resolve``d), ``state`` is what a page shows of it, ``undo`` takes it back."""
