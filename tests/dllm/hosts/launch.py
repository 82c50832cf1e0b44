"""Starts the processes of a test and waits for them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence

TIMEOUT = 500


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def launch(
    commands: Iterable[Sequence[str]], devices: int = 1
) -> list[subprocess.CompletedProcess[str]]:
    """Runs Python programs at the same time, each with so many CPU devices; waits for all."""
    commands = list(commands)
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    started = [
        subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    try:
        told = [process.communicate(timeout=TIMEOUT) for process in started]
    finally:
        for process in started:
            process.kill()
    return [
        subprocess.CompletedProcess(command, process.returncode, *said)
        for command, process, said in zip(commands, started, told, strict=True)
    ]
