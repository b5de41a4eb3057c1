"""What the client accepts: JSON or an image, and of which format."""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from message_protocol import MAX_ECHOED, UpscaleInput
from superscaling.errors import MalformedMessage, NotAcceptable
from superscaling.format_name import FormatName
from superscaling.pictures import FORMATS, sniff

JSON = "application/json"
EVENTS = "text/event-stream"
# Never answered here. Browsers' forms and Java's HttpURLConnection name it of their own accord, and prefer image
# formats that no user has chosen.
HTML = "text/html"


@dataclass(frozen=True)
class AnswerForm:
    """How an upscale request is answered.

    `stream`: as a stream of events, the last of them a JSON message; `json`: as a JSON message, else as the image
    file; `accepted`: the image formats that the client accepts at all; `preferred`: those that it accepts most.
    """

    stream: bool
    json: bool
    accepted: tuple[FormatName, ...]
    preferred: tuple[FormatName, ...]

    def check(self, message: UpscaleInput) -> None:
        """Make sure that the form can have what `message` asks for.

        Raises:
            MalformedMessage: it asks for tiles, which only a stream has.
        """
        if message.tiles and not self.stream:
            raise MalformedMessage(f"'tiles' goes with Accept: {EVENTS} only")

    def format_for(self, message: UpscaleInput) -> FormatName | None:
        """The format to answer `message` in; None: the input's own.

        Raises:
            NotAcceptable: the message asks for a format that the client does not accept.
        """
        if self.json or self.stream:
            return message.format
        if message.format is None:
            own = sniff(message.image)
            return own if own in self.preferred else self.preferred[0]
        if message.format not in self.accepted:
            raise NotAcceptable(
                f"format {message.format} is asked for, and Accept allows {', '.join(self.accepted)} only"
            )
        return message.format


def negotiate(accept: str, sent_json: bool) -> AnswerForm:
    """Choose by `Accept`; where it leaves both open, answer in the form that was sent.

    Args:
        accept: the header; empty where there is none, which accepts everything.
        sent_json: the form that was sent: JSON, or another one.

    Raises:
        NotAcceptable: it allows neither JSON, nor events, nor a supported image format.
    """
    # Java before 17 writes q=.2, which no grammar allows and Werkzeug would drop.
    parsed = parse_accept_header(accept.replace("q=.", "q=0."), MIMEAccept)
    # Parameters such as charset make no difference here.
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
