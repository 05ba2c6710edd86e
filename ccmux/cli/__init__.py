"""The command line: argv to one call to text and exit code."""
