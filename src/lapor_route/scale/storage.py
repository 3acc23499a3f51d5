"""Files on a local disk or an object store, by pyarrow's file systems or fsspec's."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lapor_route.batch.readers import KINDS
from lapor_route.batch.rows import InputFile
from lapor_route.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from typing import BinaryIO

UNFINISHED = "_unfinished"
"""The folder, in that of the output, of files that aren't finished."""
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in a folder.

    Attributes:
        name: Its path below the folder.
        size: Its bytes.
        modified: Nanoseconds since 1970.
    """

    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class Storage:
    """A file or a folder, by its path or address.

    Attributes:
        url: `archive/2025`, `s3://bucket/archive`, `gs://bucket/archive`, or any other that fsspec knows.
        filesystem: pyarrow's file system.
        path: The path in it, without a slash at its end.
    """

    url: str
    filesystem: Any = field(compare=False, repr=False)
    path: str = field(compare=False, repr=False)

    @classmethod
    def at(cls, url: str) -> Storage:
        """What is at a path or address; nothing is read or made yet.

        Raises:
            InputError: The address can't be used.
            MissingExtraError: pyarrow, or what fsspec needs for such an address, isn't installed.
        """
        try:
            from pyarrow import ArrowException, fs
        except ImportError:
            raise MissingExtraError("this needs pyarrow: pip install 'lapor-route[parquet]'") from None
        if "://" not in url:
            return cls(url, fs.LocalFileSystem(), os.path.abspath(url))
        try:
            filesystem, path = fs.FileSystem.from_uri(url)
        except (ArrowException, ValueError):
            filesystem, path = _by_fsspec(url)
        except OSError as error:
            raise InputError(f"{url} can't be used: {error}") from error
        return cls(url, filesystem, path.rstrip("/"))

    def __reduce__(self) -> tuple[Any, ...]:
        return Storage.at, (self.url,)

    @property
    def is_local(self) -> bool:
        """Whether it is in this machine's file tree (which can be a disk that several share)."""
        return bool(self.filesystem.type_name == "local")

    def holds(self, other: Storage) -> bool:
        """Whether the other is this, or lies in it."""
        same = self.filesystem.type_name == other.filesystem.type_name
        return same and f"{other.path}/".startswith(f"{self.path}/")

    def inputs(self) -> list[FoundFile]:
        """The file itself, or the files of the folder and those below, by name.

        Names that begin with a dot or an underscore are left out, as everywhere with Parquet folders.

        Raises:
            InputError: There is none, or one is of another kind than the others.
        """
        info = self._info()
        if info.type.name == "File":
            found = [FoundFile(os.path.basename(self.path), info.size, info.mtime_ns or 0)]
        elif info.type.name == "Directory":
            found = [file for file in self.files() if not any(p[0] in "._" for p in file.name.split("/"))]
        else:
            raise InputError(f"there is nothing at {self.url}")
        kinds = {Path(file.name).suffix.lower(): file.name for file in reversed(found)}
        for kind, name in kinds.items():
            if kind not in KINDS:
                raise InputError(f"{name} in {self.url} must end in .jsonl, .csv or .parquet, or not be there")
        if len(kinds) > 1:
            raise InputError(f"{self.url} mixes {' and '.join(sorted(kinds))}; route each kind on its own")
        if not found:
            raise InputError(f"{self.url} holds no .jsonl, .csv or .parquet file")
        return found

    def files(self, below: str = "") -> list[FoundFile]:
        """The files of the folder, or of one in it, and those below, by name; none if there is no folder."""
        from pyarrow import fs

        selector = fs.FileSelector(self._path(below).rstrip("/"), allow_not_found=True, recursive=True)
        return sorted(
            (
                FoundFile(info.path[len(self.path) :].lstrip("/"), info.size, info.mtime_ns or 0)
                for info in self.filesystem.get_file_info(selector)
                if info.type.name == "File"
            ),
            key=lambda file: file.name,
        )

    def input(self, found: FoundFile) -> InputFile:
        """One of the files to read."""
        alone = os.path.basename(self.path) == found.name and self._info().type.name == "File"
        path = self.path if alone else self._path(found.name)
        return InputFile(path, found.size, lambda: self._opened(path))

    def exists(self, name: str) -> bool:
        """Whether the folder has the file."""
        return bool(self.filesystem.get_file_info(self._path(name)).type.name == "File")

    def read(self, name: str) -> bytes:
        """The content of a file of the folder."""
        with self._opened(self._path(name)) as file:
            return file.read()

    def put(self, name: str, source: Path) -> None:
        """Makes a finished local file one of the folder, under its name all at once or not at all.

        On a local disk the file must be on the same one: it is flushed and renamed, which replaces an older file of
        the name atomically. An object store has no atomic rename, and needs none: an object is seen, or replaces an
        older one, only when its upload has ended.
        """
        if self.is_local:
            with source.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(source, self._path(name))
            _flush_folder(self.path)
            return
        self._upload(name, source.read_bytes())

    def write(self, name: str, content: bytes) -> None:
        """Makes or replaces a file, all at once or not at all."""
        if not self.is_local:
            self._upload(name, content)
            return
        temporary = Path(self._path(f"{UNFINISHED}/{os.path.basename(name)}.{os.getpid()}"))
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        self.put(name, temporary)

    def make(self) -> None:
        """Makes the folder, where folders are a thing."""
        self.filesystem.create_dir(self.path, recursive=True)

    def delete(self, name: str) -> None:
        """Deletes a file of the folder, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(self._path(name))

    def delete_unfinished(self) -> None:
        """Deletes what killed processes left unfinished."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(self._path(UNFINISHED))

    def _info(self) -> Any:
        return self.filesystem.get_file_info(self.path)

    def _path(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _opened(self, path: str) -> BinaryIO:
        if self.is_local:
            return cast("BinaryIO", open(path, "rb"))
        raw = self.filesystem.open_input_file(path)
        return cast("BinaryIO", io.BufferedReader(raw, _BUFFER))

    def _upload(self, name: str, content: bytes) -> None:
        """In one write: a stream that fails between two could be closed, and so published, by halves."""
        with self.filesystem.open_output_stream(self._path(name)) as stream:
            stream.write(content)


def _flush_folder(path: str) -> None:
    """Makes a rename last through a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _by_fsspec(url: str) -> tuple[Any, str]:
    from pyarrow import fs

    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise MissingExtraError(f"{url} needs fsspec and what it names for such an address: {error}") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{url} can't be used: {error}") from error
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path
