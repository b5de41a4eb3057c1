"""Content negotiation: whether to answer with JSON, an image or a stream of events, and in which image format."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from message_protocol import EVENTS, JSON, MAX_ECHOED, OnError, UpscaleInput
from superscaling.errors import MalformedMessage, NotAcceptable
from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, answer_format

# Never sent as an answer to an upscale request. Browsers' forms and Java's HttpURLConnection accept it by default, and
# rank image formats in an order that no user has chosen.
HTML = "text/html"
# Bytes of an image that are looked at here, in the serving process; a HEIC's directory has a few thousand.
HEAD = 1 << 16


@dataclass(frozen=True)
class AnswerForm:
    """The form of the answer to an upscale request.

    `stream`: a stream of events, whose last one is the JSON message; `json`: a JSON message, otherwise an image file;
    `accepted`: the image formats that the client accepts; `preferred`: those with the highest quality value.
    """

    stream: bool
    json: bool
    accepted: tuple[FormatName, ...]
    preferred: tuple[FormatName, ...]

    @property
    def is_image(self) -> bool:
        """Whether the answer is an image file."""
        return not (self.stream or self.json)

    def check(self, message: UpscaleInput) -> None:
        """Check that this form of answer supports the options of `message`.

        Raises:
            MalformedMessage: `tiles` is set, but the answer is no stream; or `onError`, and it is no image file.
        """
        if message.tiles and not self.stream:
            raise MalformedMessage(f"'tiles' requires Accept: {EVENTS}")
        if message.on_error is OnError.ORIGINAL and not self.is_image:
            raise MalformedMessage("'onError' is for answers of /upscale that are image files: send Accept: image/*")

    def format_for(self, message: UpscaleInput) -> FormatName | None:
        """The image format of the answer; None: the input's format.

        Raises:
            NotAcceptable: `Accept` excludes the format that the message requests.
        """
        if not self.is_image:
            return message.format
        if message.format is None:
            # Only a client that leaves the choice has no format: it is told if the file's own can't be written.
            if len(self.preferred) > 1 and answer_format(message.image[:HEAD]) in self.preferred:
                return None
            return self.preferred[0]
        if message.format not in self.accepted:
            raise NotAcceptable(
                f"format {message.format} is requested, but Accept allows only {', '.join(self.accepted)}"
            )
        return message.format


@dataclass(frozen=True)
class Accepted:
    """What an `Accept` header allows, as quality values: of a stream of events, of JSON, and of each image format."""

    stream: float
    json: float
    images: Mapping[FormatName, float]

    def answer_form(self, sent_json: bool) -> AnswerForm:
        """The form of the answer: the preferred one; if several are, that of the request, which was JSON or not."""
        best = max(self.images.values())
        return AnswerForm(
            stream=self.stream > max(self.json, best),
            json=self.json > best or (self.json == best and sent_json),
            accepted=tuple(name for name, quality in self.images.items() if quality),
            preferred=tuple(name for name, quality in self.images.items() if quality == best),
        )


def negotiate(accept: str) -> Accepted:
    """Read an `Accept` header; an empty one accepts everything.

    Raises:
        NotAcceptable: `accept` allows neither JSON, nor events, nor a supported image format.
    """
    # Java before 17 sends q=.2, which is not valid and which Werkzeug would ignore.
    parsed = parse_accept_header(accept.replace("q=.", "q=0."), MIMEAccept)
    # Parameters of media types, such as charset, are ignored.
    named = [(_media_type(value), quality) for value, quality in parsed] or [("*/*", 1)]
    if any(value == HTML and quality for value, quality in named):
        named = [(value, float(quality > 0)) for value, quality in named]
    plain = MIMEAccept(named)
    accepted = Accepted(
        stream=plain.quality(EVENTS),
        json=plain.quality(JSON),
        images={name: plain.quality(each.media_type) for name, each in FORMATS.items()},
    )
    if not (accepted.json or accepted.stream or any(accepted.images.values())):
        types = ", ".join([JSON, EVENTS, *(each.media_type for each in FORMATS.values())])
        raise NotAcceptable(f"Accept: {accept[:MAX_ECHOED]} allows none of {types}")
    return accepted


def _media_type(value: str) -> str:
    """A media type without parameters; that of an image format by its registered name, also for `image/jpg`."""
    name = value.partition(";")[0].strip().lower()
    try:
        return FORMATS[FormatName(name)].media_type if name.startswith("image/") else name
    except (KeyError, ValueError):
        return name
