"""What the client accepts: JSON or an image, and of which format."""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

from errors import NotAcceptable
from image_codec import FORMATS, FormatName, sniff
from message_protocol import UpscaleInput

JSON = "application/json"


@dataclass(frozen=True)
class AnswerForm:
    """How an upscale request is answered.

    `json`: as a JSON message, else as the image file; `formats`: the image formats that the client accepts most.
    """

    json: bool
    formats: tuple[FormatName, ...]

    def format_for(self, message: UpscaleInput) -> FormatName | None:
        """The format to answer `message` in; None: the input's own.

        Raises:
            NotAcceptable: the message asks for a format that the client does not accept.
        """
        if self.json or len(self.formats) == len(FORMATS):
            return message.format
        if message.format is None:
            own = sniff(message.image)
            return own if own in self.formats else self.formats[0]
        if message.format not in self.formats:
            raise NotAcceptable(
                f"format {message.format} is asked for, and Accept allows {', '.join(self.formats)} only"
            )
        return message.format


def negotiate(accept: MIMEAccept, sent_json: bool) -> AnswerForm:
    """Choose by `Accept`; where it leaves both open, answer in the form that was sent.

    Raises:
        NotAcceptable: it allows neither JSON nor a supported image format.
    """
    if not accept:
        return AnswerForm(sent_json, tuple(FORMATS))
    json_quality = accept.quality(JSON)
    image_qualities = {name: accept.quality(each.media_type) for name, each in FORMATS.items()}
    image_quality = max(image_qualities.values())
    if not json_quality and not image_quality:
        types = ", ".join([JSON, *(each.media_type for each in FORMATS.values())])
        raise NotAcceptable(f"Accept: {accept.to_header()} allows none of {types}")
    json = json_quality > image_quality or (json_quality == image_quality and sent_json)
    return AnswerForm(json, tuple(name for name, quality in image_qualities.items() if quality == image_quality))
