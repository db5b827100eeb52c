"""Files in and out: read with limits, written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

from perfgate.errors import InputError, OperationFailed

LIMIT = 64 * 1024 * 1024
_STREAM = re.compile(r"/dev/(stdout|stderr)|(?:/dev/fd|/proc/self/fd)/(\d{1,5})")


def read(path: Path, where: str = "", *, limit: int = LIMIT) -> bytes:
    """The bytes of a file; InputError where it is missing, no file, or larger than `limit` bytes; OperationFailed where it is locked away."""
    where = where or path.as_posix()
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", where=where, remedy="check the path") from None
    except IsADirectoryError:
        raise InputError("this is a folder, not a file", where=where, remedy="name a file in it") from None
    except OSError as error:
        raise OperationFailed(
            f"the file cannot be read: {error.strerror}", where=where, remedy="check its permissions"
        ) from error
    except ValueError:
        raise InputError("this cannot be the name of a file", where=repr(where)) from None
    if len(data) > limit:
        raise InputError(f"the file is larger than the {limit:,} bytes that are read", where=where)
    return data


def refuse_outside(path: Path, folder: Path) -> None:
    """OperationFailed for a path that leads out of the folder, by a link or otherwise; the folder itself may be a link."""
    try:
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError) as error:
        raise OperationFailed("this path cannot be followed", where=path.as_posix()) from error
    if not inside:
        raise OperationFailed(
            "this leads out of the folder, through a symbolic link",
            where=path.as_posix(),
            remedy="remove the link, or name another folder: --out DIR",
        )


def write_atomically(path: Path, data: bytes, *, within: Path | None = None) -> None:
    """Write a file so that readers see the old content or the new, never a part; OperationFailed leaves the old one untouched, InputError
    says that there is a folder.

    A link is followed: what it leads to is written, and it stays; with `within`, only where that is in this folder. A pipe or device,
    standard output among them, takes the bytes as they are.
    """
    if within is not None:
        refuse_outside(path, within)
    try:
        is_stream = _stream_number(path) is not None or (path.exists() and not path.is_file() and not path.is_dir())
        target = Path(os.path.realpath(path)) if path.is_symlink() and not is_stream else path
    except OSError as error:
        raise _failed(path, error) from error
    if is_stream:
        _write_through(path, data)
        return
    if target.is_dir():
        raise InputError("this is a folder, not a file", where=path.as_posix(), remedy="name a file in it")
    temporary = _write_beside(target, data)
    try:
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _failed(path, error) from error
    _sync_folder(target.parent)


def _stream_number(path: Path) -> int | None:
    """The number of the open file of this process that a path such as /dev/stdout stands for."""
    match = _STREAM.fullmatch(path.as_posix())
    if match is None:
        return None
    return {"stdout": 1, "stderr": 2}[match[1]] if match[1] else int(match[2])


def _write_through(path: Path, data: bytes) -> None:
    """Give the bytes to a pipe, a device, or an open file of this process, which nothing may replace."""
    number = _stream_number(path)
    try:
        # Opened by name, an open file would begin at its start again; and a pipe would wait for ever for somebody to read.
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)) if number is None else os.dup(number)
        if number is None and hasattr(os, "O_NONBLOCK"):
            os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OperationFailed(
                "nobody reads this pipe", where=path.as_posix(), remedy="start its reader first, or name a file"
            ) from error
        raise _failed(path, error) from error


def write_new(path: Path, data: bytes) -> bool:
    """The same for a file that must not exist yet: False, and nothing changed, where it does."""
    if path.exists():
        return False
    temporary = _write_beside(path, data)
    try:
        # A link fails where the name is taken, which a rename would not.
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: the rename is still whole, and names carry a hash of the content.
        try:
            temporary.replace(path)
        except OSError as error:
            raise _failed(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _write_beside(path: Path, data: bytes) -> Path:
    """A finished and synced temporary file in the folder of `path`; its name begins with a dot."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".perfgate-", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _failed(path, error) from error
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the new name last over a power cut, where the system lets a folder be synced."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _failed(path: Path, error: OSError) -> OperationFailed:
    remedy = (
        "free some space" if error.errno in {28, 122} else "check the permissions of the folder, or name another file"
    )
    return OperationFailed(f"the file cannot be written: {error.strerror}", where=path.as_posix(), remedy=remedy)
