"""Content negotiation: whether to answer with JSON, an image or a stream of events, and in which image format."""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from message_protocol import EVENTS, JSON, MAX_ECHOED, UpscaleInput
from superscaling.errors import MalformedMessage, NotAcceptable
from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, answer_format

# Never sent as an answer to an upscale request. Browsers' forms and Java's HttpURLConnection accept it by default, and
# rank image formats in an order that no user has chosen.
HTML = "text/html"


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

    def check(self, message: UpscaleInput) -> None:
        """Check that this form of answer supports the options of `message`.

        Raises:
            MalformedMessage: `tiles` is set, but the answer is no stream.
        """
        if message.tiles and not self.stream:
            raise MalformedMessage(f"'tiles' requires Accept: {EVENTS}")

    def format_for(self, message: UpscaleInput) -> FormatName | None:
        """The image format of the answer; None: the input's format.

        Raises:
            NotAcceptable: `Accept` excludes the format that the message requests.
        """
        if self.json or self.stream:
            return message.format
        if message.format is None:
            # Only a client that leaves the choice has no format: it is told if the file's own can't be written.
            if len(self.preferred) > 1 and answer_format(message.image) in self.preferred:
                return None
            return self.preferred[0]
        if message.format not in self.accepted:
            raise NotAcceptable(
                f"format {message.format} is requested, but Accept allows only {', '.join(self.accepted)}"
            )
        return message.format


def negotiate(accept: str, sent_json: bool) -> AnswerForm:
    """Choose the form of the answer by `Accept`; if that allows both, by the form of the request.

    Args:
        accept: the header's value; empty accepts everything.
        sent_json: whether the request's body is JSON.

    Raises:
        NotAcceptable: `accept` allows neither JSON, nor events, nor a supported image format.
    """
    # Java before 17 sends q=.2, which is not valid and which Werkzeug would ignore.
    parsed = parse_accept_header(accept.replace("q=.", "q=0."), MIMEAccept)
    # Parameters of media types, such as charset, are ignored.
    named = [(value.partition(";")[0].strip().lower(), quality) for value, quality in parsed] or [("*/*", 1)]
    if any(value == HTML and quality for value, quality in named):
        named = [(value, float(quality > 0)) for value, quality in named]
    plain = MIMEAccept(named)
    json_quality = plain.quality(JSON)
    image_qualities = {name: plain.quality(each.media_type) for name, each in FORMATS.items()}
    image_quality = max(image_qualities.values())
    stream_quality = plain.quality(EVENTS)
    if not (json_quality or image_quality or stream_quality):
        types = ", ".join([JSON, EVENTS, *(each.media_type for each in FORMATS.values())])
        raise NotAcceptable(f"Accept: {accept[:MAX_ECHOED]} allows none of {types}")
    return AnswerForm(
        stream=stream_quality > max(json_quality, image_quality),
        json=json_quality > image_quality or (json_quality == image_quality and sent_json),
        accepted=tuple(name for name, quality in image_qualities.items() if quality),
        preferred=tuple(name for name, quality in image_qualities.items() if quality == image_quality),
    )
