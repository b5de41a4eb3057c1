"""A private RabbitMQ node on the loopback interface, of Debian's rabbitmq-server; for benchmarks and tests."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import kombu
from kombu.exceptions import OperationalError

from evaluation.errors import MeasurementError

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 120.0


class RabbitMQ:
    """A node that can be killed and started again with what it had on its disk, which `remove` deletes."""

    def __init__(self) -> None:
        folder = self._folder = Path(tempfile.mkdtemp(prefix="rabbitmq-"))  # pytest's belong to one user
        self.port = _free_port()
        # A worker that does not answer for 4 to 8 s is given up.
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//?heartbeat=4"
        self._log = folder / "node.log"
        for name in ("database", "log", "home"):
            (folder / name).mkdir(parents=True)
        (folder / "plugins").write_text("[].")
        self._as_user = list[str]()
        if os.geteuid() == 0:  # Erlang's cookie and the database belong to the user that Debian made for them
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, "rabbitmq", "rabbitmq")
            self._as_user = ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups"]
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),  # where the cookie is
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(_free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "database"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node, and wait until it is there.

        Raises:
            MeasurementError: it is not installed, ended, or takes too long.
        """
        if not SERVER.exists():
            raise MeasurementError(f"{SERVER} is missing: apt-get install rabbitmq-server")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, str(SERVER)],
                env=self._environ,
                cwd="/",
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError, OperationalError), kombu.Connection(self.url) as link:
                link.connect()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.2)
        raise MeasurementError(f"no node, after {START_SECONDS} s at most: {self._log.read_text()}")

    def freeze(self) -> None:
        """Stop it, as a machine that hangs: it accepts connections and says nothing."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """End it by SIGKILL: the shell that Debian starts it with, and Erlang."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def remove(self) -> None:
        """Delete its state."""
        shutil.rmtree(self._folder)

    def waiting(self, queue: str) -> int:
        """Messages in a queue that no worker has."""
        with kombu.Connection(self.url) as link:
            declared = link.default_channel.queue_declare(queue, passive=True)
            return int(declared.message_count)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
