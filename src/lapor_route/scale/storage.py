"""Files on a local disk or an object store, by pyarrow's file systems or fsspec's."""

from __future__ import annotations

import io
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit

from lapor_route.batch.readers import KINDS
from lapor_route.batch.rows import InputFile
from lapor_route.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

UNFINISHED = "_unfinished"
"""The folder, in that of the output, of files that aren't finished."""
_BUFFER = 1 << 20
_NO_FILE = -1
_OF_PYARROW = {"s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"}
_KEPT_IN_URLS = "%/:?=&@+~!$'()*,;[]"


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
        url: `archive/2025`, `s3://bucket/archive`, `gs://bucket/archive`, or of another object store that pyarrow
            or fsspec knows. Messages leave out the keys that it may hold.
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
        try:
            url.encode()
        except UnicodeEncodeError:
            raise InputError(f"{url!a} isn't UTF-8; rename it") from None
        local = unquote(urlsplit(url).path) if url.startswith("file://") else url
        if "://" not in local:
            return cls(url, fs.LocalFileSystem(), os.path.abspath(local))
        try:
            filesystem, path = fs.FileSystem.from_uri(quote(url, _KEPT_IN_URLS))
        except (ArrowException, ValueError, OSError) as error:
            if urlsplit(url).scheme in _OF_PYARROW:
                raise InputError(f"{_without_keys(url)} can't be used: {error}") from error
            filesystem, path = _by_fsspec(url)
        return cls(url, filesystem, path.rstrip("/"))

    def __reduce__(self) -> tuple[Any, ...]:
        return Storage.at, (self.path if self.is_local else self.url,)

    def __str__(self) -> str:
        return _without_keys(self.url)

    @property
    def is_local(self) -> bool:
        """Whether it is in this machine's file tree (which can be a disk that several share)."""
        return bool(self.filesystem.type_name == "local")

    def holds(self, other: Storage) -> bool:
        """Whether the other is this, or lies in it."""
        same = self.filesystem.type_name == other.filesystem.type_name
        mine, others = (os.path.realpath(s.path) if s.is_local else s.path for s in (self, other))
        return same and f"{others.rstrip('/')}/".startswith(f"{mine.rstrip('/')}/")

    def inputs(self) -> list[FoundFile]:
        """The file itself, or the files of the folder and those below, by name.

        Names that begin with a dot or an underscore are left out, as everywhere with Parquet folders.

        Raises:
            InputError: There is none, one is of another kind than the others, or something can't be read.
        """
        try:
            info = self._info()
            if info.type.name == "File":
                found = [FoundFile(os.path.basename(self.path), info.size, info.mtime_ns or 0)]
            elif info.type.name == "Directory":
                found = [self._readable(file) for file in self._listed() if not _hidden(file.name)]
            else:
                raise InputError(f"there is nothing at {self}")
        except OSError as error:
            raise InputError(f"{self} can't be read: {error}") from error
        kinds = {Path(file.name).suffix.lower(): file.name for file in reversed(found)}
        for kind, name in kinds.items():
            if kind not in KINDS:
                raise InputError(f"{name} in {self} must end in .jsonl, .csv or .parquet, or not be there")
        if len(kinds) > 1:
            raise InputError(f"{self} mixes {' and '.join(sorted(kinds))}; route each kind on its own")
        if not found:
            raise InputError(f"{self} holds no .jsonl, .csv or .parquet file")
        return found

    def files(self, below: str = "") -> list[FoundFile]:
        """The files of the folder, or of one in it, and those below, by name; none if there is no folder."""
        return [file for file in self._listed(below) if file.size != _NO_FILE]

    def _listed(self, below: str = "") -> list[FoundFile]:
        """As `files`, with what is neither a file nor a folder, whose size is `_NO_FILE`."""
        folder = self._path(below).rstrip("/")
        found = _walked(folder) if self.is_local else self._selected(folder)
        start = len(self.path.rstrip("/")) + 1
        return sorted((replace(file, name=file.name[start:]) for file in found), key=lambda file: file.name)

    def _selected(self, folder: str) -> Iterator[FoundFile]:
        from pyarrow import fs

        selector = fs.FileSelector(folder, allow_not_found=True, recursive=True)
        for info in self.filesystem.get_file_info(selector):
            if info.type.name != "Directory":
                size = info.size if info.type.name == "File" else _NO_FILE
                yield FoundFile(info.path, size, info.mtime_ns or 0)

    def _readable(self, file: FoundFile) -> FoundFile:
        broken_name = "//" in file.name or file.name.encode("utf-8", "ignore").decode() != file.name
        if file.size == _NO_FILE or broken_name:
            raise InputError(
                f"{file.name!r} in {self} can't be read: its name isn't UTF-8 or has //, or it is no file, or "
                "a link to a folder or to nothing. Mend it, or take it out"
            )
        return file

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
        """Makes the folder, where folders are a thing, if it isn't there."""
        self.filesystem.create_dir(self.path, recursive=True)

    def delete(self, name: str) -> None:
        """Deletes a file of the folder, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(self._path(name))

    def delete_unfinished(self) -> None:
        """Deletes what killed processes left unfinished."""
        path = self._path(UNFINISHED)
        if self.filesystem.get_file_info(path).type.name == "Directory":
            with suppress(FileNotFoundError):
                self.filesystem.delete_dir(path)

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


def _walked(folder: str) -> Iterator[FoundFile]:
    """The files below a local folder by their paths; a link to a folder isn't followed, but told as no file."""
    if not os.path.isdir(folder):
        return

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in [*names, *links]:
            path = os.path.join(parent, name)
            try:
                found = os.stat(path)
            except OSError:  # a broken link, or gone meanwhile
                yield FoundFile(path, _NO_FILE, 0)
                continue
            size = found.st_size if stat.S_ISREG(found.st_mode) else _NO_FILE
            yield FoundFile(path, size, found.st_mtime_ns)


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))


def _without_keys(url: str) -> str:
    """An address without the keys in it: neither `KEY:SECRET@` nor `?secret_key=...`."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


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
        shown = _without_keys(url)
        raise MissingExtraError(f"{shown} needs fsspec and what it names for such an address: {error}") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{_without_keys(url)} can't be used: {error}") from error
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path
