"""gunicorn's threaded worker, made safe against slow clients.

gunicorn's own `gthread` lends a thread to each connection while its request head arrives and while its answer is read,
and waits for clients to close their connections on the thread that accepts new ones. Forty clients that send half a
head, read nothing, or don't close, stop it. Here a connection has a thread from the end of its request head until its
answer is made; before and after, the event loop keeps it.
"""

import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from gunicorn.http.body import Body
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException, UnsupportedTransferCoding

from http_edge.gunicorn_worker.answered import AnsweredWorker
from http_edge.gunicorn_worker.event_loop import Conn
from http_edge.gunicorn_worker.raw_problem import send_problem
from http_edge.gunicorn_worker.strictness import AskedFor, be_strict
from http_edge.gunicorn_worker.waiting import STOP_SECONDS
from superscaling.api_keys import redacted

log = logging.getLogger("service")

# The most characters of a parse error, which may repeat what the client sent, in the log and in the answer.
MAX_DETAIL = 200

# The statuses of gunicorn's parse errors; all others are 400.
STATUSES = {LimitRequestLine: 414, LimitRequestHeaders: 431, UnsupportedTransferCoding: 501}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# WSGI environment key of a function that closes the connection after the answer.
CLOSE_AFTER_ANSWER = "http_edge.close_after_answer"


class Worker(AnsweredWorker):
    """`gthread`, whose event loop waits for request heads, for clients to read their answers, and for them to close.

    `on_stop`: called when the worker begins to stop; `is_cut_off`: whether running requests are not waited for.
    gunicorn.conf.py sets the first, and what the classes below name.
    """

    on_stop: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_cut_off = False
        self.wsgi: Callable[..., Any]

    def init_signals(self) -> None:
        """Ignore SIGINT: Ctrl-C in a terminal reaches every process, and the master tells the worker to finish."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once, without waiting for running requests.

        gunicorn's own waits for their threads after all, while clients connect to a port that nobody serves.
        """
        self.alive = False
        self.is_cut_off = True
        for listener in self.sockets:
            listener.close()
        sys.exit(0)  # by way of `worker_exit` in gunicorn.conf.py

    def is_parent_alive(self) -> bool:
        """Whether the master process is. If not, stop: another one may already be waiting for the port."""
        if not super().is_parent_alive():
            log.error("the master process has ended: stopping")
            self.alive = False  # so `set_accept_enabled` closes the port
        return bool(self.alive)

    def leave(self) -> None:
        """End the process, if running requests are not waited for. Their threads would keep it."""
        if self.is_cut_off:
            logging.shutdown()
            os._exit(0)

    def load_wsgi(self) -> None:
        """Load the application, and enable it to close connections: gunicorn ignores its `Connection` header."""
        super().load_wsgi()
        application: Callable[..., Any] = self.wsgi

        def with_close(environ: dict[str, Any], start_response: Any) -> Any:
            # `start_response` is a method of gunicorn's response.
            close: Callable[[], None] = start_response.__self__.force_close
            environ[CLOSE_AFTER_ANSWER] = close

            def start(*answer: Any) -> Any:
                if not self.alive:  # the worker began to stop during the request
                    close()
                return start_response(*answer)

            return application(environ, start)

        self.wsgi = with_close

    def enqueue_req(self, conn: Conn) -> None:
        """Lend a thread to a connection whose request head is complete."""
        conn.sock.begin_answer(self.write_timeout)
        super().enqueue_req(conn)

    def handle_request(self, req: Any, conn: Conn) -> bool:
        """Serve a request. Returns whether the connection may stay open.

        Raises:
            ParseException: the request is malformed; `handle_error` answers it.
        """
        be_strict(req, conn.parser.unreader)
        if req._expected_100_continue:  # gunicorn would ask for the body before the application has seen the head
            req._expected_100_continue = False
            req.body = Body(AskedFor(req.body.reader, lambda: self._ask_for_body(conn)))
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            # The client does not read its answer. Those that are made while they are sent are logged afterwards, with
            # 499; all others have been logged before.
            self.note_unread(conn)
            return False

    def _ask_for_body(self, conn: Conn) -> None:
        if not conn.sock.has_begun:
            conn.sock.send(CONTINUE)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer a request that gunicorn could not parse."""
        if isinstance(exc, ParseException):
            detail = redacted(str(exc))[:MAX_DETAIL]
            # Written as JSON: nothing that a client sends can forge a line.
            log.warning("malformed request from %s: %s", addr[0] if addr else "a client", json.dumps(detail))
            send_problem(client, STATUSES.get(type(exc), 400), detail)
        else:
            log.error("unexpected error outside the application", exc_info=exc)
            send_problem(client, 500, "the service failed; its log has the details")

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop listening. A stopping worker refuses connections; gunicorn's own would let them hang."""
        super().set_accept_enabled(enabled)
        if self.alive or enabled:
            return
        log.info("stopping: %d connections are open", self.nr_conns)
        self.on_stop()
        for listener in [each for each in self.sockets if each.fileno() != -1]:
            while self.accept(listener):  # those that the kernel has accepted are still served
                pass
            listener.close()
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_SECONDS)
