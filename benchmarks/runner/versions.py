"""What software made a run."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("dllm", "jax", "jaxlib", "numpy")


def versions() -> dict[str, str]:
    """Of Python, the packages that decode, and the commit if this is a checkout."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return {**found, "commit": _commit()}


def _commit() -> str:
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return ran.stdout.strip()
