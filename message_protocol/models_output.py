"""The answer of `GET /models`."""

from pydantic import BaseModel, ConfigDict, Field, RootModel


class ModelOutput(BaseModel):
    """A loaded model, which requests may ask for by its name."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    default: bool = Field(description="whether it serves requests that name none")
    scale: int = Field(description="factor of its own; other sizes are made of it")
    strength: bool = Field(False, description="whether requests may choose a strength other than 1")
    kind: str = Field(
        description="what its results are meant to be: faithful (as near to the original as can be known), perceptual"
        " (plausible: details are invented) or line-art (drawings)"
    )
    engine: str
    precision: str
    device: str = Field("CPU", description="what runs the network, as OpenVINO names it: CPU, GPU, GPU.1, NPU")
    threads: int = Field(description="CPU threads of the network")
    views: int = Field(description="how many views of each tile are averaged")
    halo: int = Field(description="px of context that a tile needs on each side")
    seconds_per_megapixel: float | None = Field(
        alias="secondsPerMegapixel",
        description="seconds that the network needs at present for a million px of its input; null: not measured yet."
        " /estimate tells the time of a whole image, with the halos of its tiles",
    )
    memory_bytes: int = Field(
        alias="memoryBytes",
        description="bytes by which the process grew when it was loaded and warmed up; a full tile takes more",
    )
    sha256: str = Field(description="SHA-256 of the file of its weights")
    licence: str = Field(description="of its weights: an SPDX identifier, or words")


class ModelsOutput(RootModel[list[ModelOutput]]):
    """The loaded models, the default first."""

    def to_json(self) -> str:
        """Serialise the list."""
        return self.model_dump_json(by_alias=True)
