"""YAML is read without its old surprises, and every refusal says where."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from models.errors import DocumentError
from models.yaml_files import read_mapping, yaml_files


def written(directory: Path, text: str) -> Path:
    path = directory / "document.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_words_and_clock_times_stay_text(tmp_path: Path) -> None:
    text = "country: NO\nstart: 14:00\nanswer: yes\nsound: on\ncode: 0x1F\nflag: true\nempty: null\ncount: 010\n"
    assert read_mapping(written(tmp_path, text)) == {
        "country": "NO",
        "start": "14:00",
        "answer": "yes",
        "sound": "on",
        "code": "0x1F",
        "flag": True,
        "empty": None,
        "count": "010",
    }


def test_dates_and_whole_numbers_are_read(tmp_path: Path) -> None:
    assert read_mapping(written(tmp_path, "day: 2026-03-01\ndays: 30\n")) == {"day": date(2026, 3, 1), "days": 30}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "line 1: is not valid YAML: repeats the key 'a'"),
        ("a: [1\nb: 2\n", "line 2: is not valid YAML"),
        ("- a\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("a: !!python/object:os.system {}\n", "is not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, problem: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DocumentError, match=problem) as refused:
        read_mapping(path)
    assert refused.value.path == path


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "document.yaml"
    path.write_bytes("city: Göppingen\n".encode("latin-1"))
    with pytest.raises(DocumentError, match="is not UTF-8"):
        read_mapping(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"absent\.yaml: cannot be read \(No such file or directory\)"):
        read_mapping(tmp_path / "absent.yaml")


def test_a_directory_without_documents_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="lineshaft init"):
        yaml_files(tmp_path)
