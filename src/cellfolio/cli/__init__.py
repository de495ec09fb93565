"""The command line: parse, call one workflow, print what it found."""
