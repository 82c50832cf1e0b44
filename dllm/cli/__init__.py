"""The command line: `dllm --help`."""
