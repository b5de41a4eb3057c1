"""Log configuration: one record per line on standard output, as text or as JSON."""

import logging.config
from typing import Any

from superscaling.settings import Settings

TIME = "%Y-%m-%dT%H:%M:%S%z"
SEVERITY = logging.getLevelNamesMapping().__getitem__
FORMATTERS = {
    "text": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s", "datefmt": TIME},
    "json": {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        "datefmt": TIME,
        "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
    },
}


def log_config(settings: Settings) -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`."""
    level = settings.log_level.upper()
    # gunicorn logs many lines at its start; only its warnings and errors are kept.
    gunicorns = max("WARNING", level, key=SEVERITY)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": FORMATTERS[settings.log_format]},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stdout"]},
        "loggers": {"gunicorn.error": {"level": gunicorns, "handlers": [], "propagate": True}},
    }


def configure(settings: Settings) -> None:
    """Configure logging for this process."""
    logging.config.dictConfig(log_config(settings))
