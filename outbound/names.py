"""Names to addresses, each looked up once for a request."""

import queue
import socket
import threading
from ipaddress import ip_address

from outbound.addresses import Address
from outbound.location import Location
from outbound.patience import Patience
from outbound.refused import Refused

# Names that are looked up at a time. The system's library can't be interrupted, and may take half a minute.
MAX_LOOKUPS = 16
# Of a name. Every one is checked, so that none is overlooked.
MAX_ADDRESSES = 64


class Lookups:
    """Looks names up, a limited number at a time, in threads that nobody need wait for."""

    def __init__(self, most: int = MAX_LOOKUPS) -> None:
        self._places = threading.BoundedSemaphore(most)

    def addresses(self, location: Location, patience: Patience) -> list[Address]:
        """The addresses of a host, in the order in which they are to be tried.

        Raises:
            Refused: it has none, too many, or none in time; or too many names are being looked up.
            ClientGone: nobody waits any more.
        """
        if location.address is not None:
            return [location.address]
        if not self._places.acquire(blocking=False):
            raise Refused("too many names are being looked up")
        found = queue.SimpleQueue[list[str] | Refused]()
        # A daemon: the process may end while the system's library still waits for an answer.
        threading.Thread(target=self._look_up, args=(location.host, found), name="lookup", daemon=True).start()
        while True:
            try:
                answer = found.get(timeout=patience.turn())
            except queue.Empty:
                continue
            if isinstance(answer, Refused):
                raise answer
            return _distinct(answer)

    def _look_up(self, name: str, found: "queue.SimpleQueue[list[str] | Refused]") -> None:
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError as exc:
            found.put(Refused(f"its name is not found: {exc.strerror}"))
        except UnicodeError:  # what the library takes for no name
            found.put(Refused("its name is none"))
        else:
            found.put([str(answer[4][0]) for answer in answers])
        finally:
            self._places.release()


def _distinct(texts: list[str]) -> list[Address]:
    addresses = list(dict.fromkeys(map(ip_address, texts)))
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        raise Refused(f"its name has {len(addresses)} addresses")
    return addresses
