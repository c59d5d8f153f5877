"""`tf.logging`: TensorFlow's logging functions, over Python's logger `tensorflow`.

The logger keeps that name because programs fetch it with `logging.getLogger("tensorflow")` to set
its level or to add handlers.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from typing import Any

from millstream.base.export import export, export_constant

DEBUG = logging.DEBUG
INFO = logging.INFO
WARN = logging.WARNING
ERROR = logging.ERROR
FATAL = logging.FATAL

_NAME = "tensorflow"
# Frames of this module between a caller and Python's logger.
_OUR_FRAMES = 2

_lock = threading.Lock()
_logger: logging.Logger | None = None
_calls: Counter[tuple[str, int]] = Counter()


class _CurrentStderr(logging.StreamHandler[Any]):
    """Writes to what `sys.stderr` is at the time, so that redirection works."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter(logging.BASIC_FORMAT))

    @property
    def stream(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return sys.stderr


@export("get_logger")
def get_logger() -> logging.Logger:
    """Gives the logger, with a handler of its own unless the program has configured logging."""
    global _logger
    if _logger is None:
        with _lock:
            logger = logging.getLogger(_NAME)
            if logger.level == logging.NOTSET:
                logger.setLevel(WARN)
            if not logger.handlers and not logging.getLogger().handlers:
                logger.addHandler(_CurrentStderr())
            _logger = logger
    return _logger


def _write(level: int, msg: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + _OUR_FRAMES
    get_logger().log(level, msg, *args, **kwargs)


@export("logging.log")
def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at a level such as `tf.logging.INFO`."""
    _write(level, msg, args, kwargs)


@export("logging.vlog")
def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at a level, the same as `log`."""
    _write(level, msg, args, kwargs)


@export("logging.debug")
def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level DEBUG."""
    _write(DEBUG, msg, args, kwargs)


@export("logging.info")
def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level INFO."""
    _write(INFO, msg, args, kwargs)


@export("logging.warn")
def warn(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level WARN."""
    _write(WARN, msg, args, kwargs)


@export("logging.warning")
def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level WARN."""
    _write(WARN, msg, args, kwargs)


@export("logging.error")
def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level ERROR."""
    _write(ERROR, msg, args, kwargs)


@export("logging.fatal")
def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a message at level FATAL; the program goes on."""
    _write(FATAL, msg, args, kwargs)


@export("logging.TaskLevelStatusMessage")
def TaskLevelStatusMessage(msg: Any) -> None:
    """Logs a message at level ERROR."""
    _write(ERROR, msg, (), {})


@export("logging.flush")
def flush() -> None:
    """Writes out what the logger's handlers hold back."""
    for handler in get_logger().handlers:
        handler.flush()


@export("logging.get_verbosity")
def get_verbosity() -> int:
    """Gives the level from which messages are shown."""
    return get_logger().getEffectiveLevel()


@export("logging.set_verbosity")
def set_verbosity(v: int | str) -> None:
    """Sets the level from which messages are shown.

    Args:
      v: A level such as `tf.logging.INFO`, or its name.
    """
    get_logger().setLevel(v)


def _count_call() -> int:
    """Tells how often the line that called a `log_…` function has done so before."""
    frame = sys._getframe(2)
    token = frame.f_code.co_filename, frame.f_lineno
    with _lock:
        before = _calls[token]
        _calls[token] = before + 1
    return before


@export("logging.log_every_n")
def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs a message the first time that this line is reached, and every `n`-th time after."""
    if _count_call() % n == 0:
        _write(level, msg, args, {})


@export("logging.log_first_n")
def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs a message the first `n` times that this line is reached."""
    if _count_call() < n:
        _write(level, msg, args, {})


@export("logging.log_if")
def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs a message if a condition holds."""
    if condition:
        _write(level, msg, args, {})


for _name in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL"):
    export_constant(f"logging.{_name}", globals()[_name])
