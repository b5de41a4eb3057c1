"""Who sends a request."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """Who sends a request.

    `name`: whom rates are counted for: the owner of the key, or the address. `owner`: whose jobs the client may see;
    empty: the service knows no owners. `key_id`: of the API key, for the log; never the key itself.
    `megapixels_per_hour`: that the key allows; None: as the setting says.
    """

    name: str
    owner: str = ""
    key_id: str | None = None
    megapixels_per_hour: float | None = None
