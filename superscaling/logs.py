"""Logging: one record per line on standard output, as text or as JSON."""

import json
import logging.config
from typing import Any

from superscaling import tracing
from superscaling.api_keys import redacted
from superscaling.log_writer import LineWriter
from superscaling.settings import Settings

TIME = "%Y-%m-%dT%H:%M:%S%z"
SEVERITY = logging.getLevelNamesMapping().__getitem__
# What every record has; other attributes are fields that were logged with `extra`.
ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class TextFormatter(logging.Formatter):
    """Formats a record as text, followed by its `extra` fields as `name=value`. No API key is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, with its traceback."""
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is logging's)
        """Format the line without the traceback.

        Values are written as JSON: nothing that a client sends can forge a line or a field.
        """
        fields = (
            f" {name}={json.dumps(value, default=str)}"
            for name, value in vars(record).items()
            if name not in ATTRIBUTES
        )
        return super().formatMessage(record) + "".join(fields)


def json_formatter(**options: Any) -> logging.Formatter:
    """The formatter for JSON, with the options of python-json-logger's, which is imported late. No key is in a line."""
    from pythonjsonlogger.json import JsonFormatter

    class WithoutKeys(JsonFormatter):
        def format(self, record: logging.LogRecord) -> str:
            return redacted(super().format(record))

    return WithoutKeys(**options)


class TraceFilter(logging.Filter):
    """Adds the id of the trace, where there is one, to what is logged within a span."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if (trace_id := tracing.current().trace_id) and not hasattr(record, "trace_id"):
            record.trace_id = trace_id
        return True


FORMATTERS = {
    "text": {
        "class": f"{__name__}.{TextFormatter.__name__}",
        "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        "datefmt": TIME,
    },
    "json": {
        "()": f"{__name__}.{json_formatter.__name__}",
        "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        "datefmt": TIME,
        "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
    },
}


def log_config(settings: Settings) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`."""
    level = settings.log_level.upper()
    # gunicorn and Celery log many lines at their start, libvips some for each file; only warnings and errors are of
    # interest.
    others = max("WARNING", level, key=SEVERITY)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": FORMATTERS[settings.log_format]},
        "filters": {"trace": {"()": f"{__name__}.{TraceFilter.__name__}"}},
        "handlers": {
            "stdout": {
                "class": f"{LineWriter.__module__}.{LineWriter.__name__}",
                "stream": "ext://sys.stdout",
                "formatter": "line",
                "filters": ["trace"],
            }
        },
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {
            name: {"level": others, "handlers": [], "propagate": True}
            for name in ("gunicorn.error", "celery", "kombu", "amqp")
        },
    }


def configure(settings: Settings) -> None:
    """Configure logging for this process."""
    logging.config.dictConfig(log_config(settings))
