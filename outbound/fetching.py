"""Fetching an image from an address that a client names."""

import logging
import math
from collections.abc import Callable

from outbound.location import MAX_URL, parse_location
from outbound.outlet import Answer, Outlet
from outbound.patience import Patience
from outbound.refused import Refused
from superscaling.errors import MalformedMessage, UrlNotFetched

log = logging.getLogger("outbound")

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
HEADERS = {"Accept": "image/*, */*;q=0.1", "Accept-Encoding": "identity"}
# Failures are told when a multiple of so many seconds has passed. All but the body has to come within the first.
STEP = 5.0
# What ends an attempt comes before the end of a step, by this share of it, so that it is told at that end. On a machine
# that is too busy for that, it may come as much later, and is told then.
MARGIN = 0.1
HEAD_BYTES = 1024  # that tell what a file is


class ImageFetcher:
    """Fetches images. All failures are told alike, and after equally long: why one failed tells about a network.

    Args:
        outlet: what may be reached.
        max_bytes: of an image.
        seconds: for all of it.
        is_image: whether the first bytes of a file are those of an image.
    """

    def __init__(self, outlet: Outlet, max_bytes: int, seconds: float, is_image: Callable[[bytes], bool]) -> None:
        self._outlet = outlet
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._step = min(STEP, seconds)
        self._is_image = is_image

    def fetch(
        self,
        url: str,
        request_id: str,
        is_gone: Callable[[], bool] = lambda: False,
        failed: Callable[[], None] = lambda: None,
    ) -> bytes:
        """Get the image at an address.

        Args:
            url: as the client sent it.
            request_id: for the log.
            is_gone: whether the client has hung up.
            failed: called when the fetch has failed, before the wait until that is told.

        Raises:
            MalformedMessage: it is no address, whatever the network is like, which is told at once.
            UrlNotFetched: no host is allowed, which is told at once; or it can't be had, for whatever reason.
            ClientGone: the client has hung up.
        """
        if not self._outlet.hosts:
            raise UrlNotFetched(
                "the service fetches no images: send the image itself", setting=self._outlet.hosts.setting
            )
        try:
            location = parse_location(url)
        except Refused as exc:
            raise MalformedMessage(
                "imageUrl must be a plain address such as https://example.com/photograph.jpg: http or https, without a"
                f" user name or a fragment, at most {MAX_URL} characters"
            ) from exc
        patience = Patience(self._step * (1 - MARGIN), is_gone)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                with self._outlet.answer(location, patience, headers=HEADERS) as answer:
                    if answer.status not in REDIRECTS:
                        return self._image(answer, patience)
                    location = location.redirected(answer.header("Location"))
            raise Refused(f"it redirects more than {MAX_REDIRECTS} times")
        except Refused as exc:
            # The rest of the address may be a secret.
            details = {"request_id": request_id, "reason": str(exc), "host": location.authority}
            log.warning("an image was not fetched", extra=details)
        failed()
        patience.sleep_until(max(1, math.ceil(patience.elapsed / self._step - MARGIN)) * self._step)
        raise UrlNotFetched(
            "the image can't be fetched: send the image itself, or name a plain address of http or https, of a public"
            f" host that this service may ask, and that answers within {self._step:g} s with an image, which has at"
            f" most {self._max_bytes} bytes and takes at most {self._seconds:g} s"
        )

    def _image(self, answer: Answer, patience: Patience) -> bytes:
        if answer.status != 200:
            raise Refused(f"it answers with status {answer.status}")
        data = bytearray()
        for piece in answer.pieces(self._max_bytes):
            if len(data) < HEAD_BYTES:
                data += piece
                if len(data) >= HEAD_BYTES:
                    self._check(data)
                    patience.extend(self._seconds - self._step * MARGIN)
            else:
                data += piece
        self._check(data)
        return bytes(data)

    def _check(self, data: bytearray) -> None:
        if not self._is_image(bytes(data[:HEAD_BYTES])):
            raise Refused("it answers with what is no image")
