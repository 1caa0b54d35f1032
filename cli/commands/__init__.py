"""One module per command, found by cli.main: adding a file here adds the command."""
