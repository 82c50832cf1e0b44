"""How a command line ends: failures are told in a sentence, without a traceback."""

from collections.abc import Callable

from rich.console import Console

FAILED, INTERRUPTED = 2, 130
"""Exit statuses; the second is that of a program which Ctrl-C ended."""


def status_of(program: str, command: Callable[[], int | None]) -> int:
    """Runs a command; its exit status. What goes wrong is printed behind the program's name."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        return command() or 0
    except (ValueError, TypeError, ImportError, OSError) as error:
        console.print(f"{program}: {words(error)}", style="red", markup=False)
        return FAILED
    except KeyboardInterrupt as interrupt:
        console.print(f"\ninterrupted {interrupt}".rstrip(), markup=False)
        return INTERRUPTED


def words(error: Exception) -> str:
    """What went wrong; of files their name and the system's reason, without its number."""
    if isinstance(error, OSError) and error.strerror and error.filename and not error.filename2:
        return f"{error.filename}: {error.strerror}"
    return str(error)
