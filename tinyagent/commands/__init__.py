"""The command line: ``cli`` is where it begins; the commands of traces, data, training and the like
stand beside what they are about."""
