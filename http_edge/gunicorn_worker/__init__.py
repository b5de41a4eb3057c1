"""gunicorn's threaded worker, made safe against slow clients. Nothing else imports gunicorn or uses its private API."""

from gunicorn.http.errors import ParseException

from http_edge.gunicorn_worker.connection import Connection
from http_edge.gunicorn_worker.strictness import ChunksTooSmall
from http_edge.gunicorn_worker.worker import Worker

__all__ = ["ChunksTooSmall", "Connection", "ParseException", "Worker"]
