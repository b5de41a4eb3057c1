"""The folder whose files the tools of `upscale mcp` may read and write."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from image_super_scaling import Result
from image_super_scaling.files import written_whole


@dataclass(frozen=True)
class Written:
    """A file that was written. `width`, `height`: in px; `notes`: what could not be kept of the image."""

    path: str
    width: int | None
    height: int | None
    format: str
    notes: list[str]


class Folder:
    """The folder whose files the tools may use.

    Args:
        root: a folder that exists.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve(strict=True)

    def path(self, name: str) -> Path:
        """A path in the folder, with all links followed.

        Raises:
            ToolError: it is outside.
        """
        try:
            path = (self._root / name).resolve()
        except (OSError, ValueError) as exc:  # a loop of links, or a zero byte
            raise ToolError(f"{name!r} is no path: {exc}") from exc
        if not path.is_relative_to(self._root):
            raise ToolError(f"{name!r} is outside the folder that the user has allowed (--root)")
        return path

    def free(self, name: str, overwrite: bool) -> Path:
        """A path in the folder at which a file can be written.

        Raises:
            ToolError: it is outside, its folder does not exist, or something is there that stays.
        """
        path = self.path(name)
        if path.is_dir():
            raise ToolError(f"{name!r} is a folder: name a file")
        if not path.parent.is_dir():
            raise ToolError(f"{name!r} can't be written: its folder does not exist")
        if path.exists() and not overwrite:
            raise ToolError(f"{name!r} exists: choose another name, or set overwrite")
        return path

    def shown(self, path: Path) -> str:
        """A path for the user, relative to the folder."""
        return str(path.relative_to(self._root))

    def read(self, name: str | None, text: str | None) -> bytes:
        """The image at a path, or in base64.

        Raises:
            ToolError: there is none, or both, or it can't be read.
        """
        if (name is None) == (text is None):
            raise ToolError("give either path or image_base64")
        try:
            return self.path(name).read_bytes() if name is not None else base64.b64decode(text or "", validate=True)
        except OSError as exc:
            raise ToolError(f"{name!r} can't be read: {exc.strerror}") from exc
        except binascii.Error as exc:
            raise ToolError(f"image_base64 is not base64: {exc}") from exc

    def write(self, name: str, result: Result, overwrite: bool) -> Written:
        """Write a result, whole or not at all.

        Raises:
            ToolError: the file exists, or can't be written.
        """
        path = self.free(name, overwrite)
        try:
            with written_whole(path, replace=overwrite) as file:
                file.write(result.image)
        except FileExistsError as exc:
            raise ToolError(f"{name!r} has appeared meanwhile: choose another name") from exc
        except OSError as exc:
            raise ToolError(f"{name!r} can't be written: {exc.strerror}") from exc
        return Written(
            path=self.shown(path),
            width=result.width,
            height=result.height,
            format=result.format,
            notes=list(result.notes),
        )
