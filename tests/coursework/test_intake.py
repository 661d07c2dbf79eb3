"""What is read of a stranger's file, and whose it is taken for."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile

import pytest

from coursework import intake, owners
from coursework.course import Student, disarmed
from tests.coursework import strange_files


def read(cells):
    return intake.parse(strange_files.text(cells))


def test_code_cells_come_in_their_order_whatever_their_metadata():
    cells = ["a = 1", "b = 2"]
    colab = intake.parse(json.dumps(strange_files.colab(cells)).encode())
    assert read(cells).cells == colab.cells == cells


def test_install_commands_are_taken_out_and_the_cell_stays_one():
    found = read(["if True:\n    %pip install x\n!apt install y", 'x = "!pip"'])
    assert found.cells == ["if True:\n    pass\npass", 'x = "!pip"'] and found.warnings


def test_what_the_sheet_itself_installs_is_no_remark():
    assert read(['import sys\n\nif "google.colab" in sys.modules:\n    %pip install -q x']).warnings == []


def test_cells_that_are_no_cells_are_passed_over():
    data = b'{"cells": [1, null, [], {"cell_type": "code", "source": 5}, {"cell_type": "code", "source": ["x", 1]}]}'
    assert intake.parse(data).cells == ["", "x"]


def test_half_characters_and_nul_are_replaced():
    assert read(["x = '\ud800'\0"]).cells == ["x = '?'"]


@pytest.mark.parametrize("kind", strange_files.BYTES)
def test_what_is_no_notebook_is_refused_in_one_line(kind):
    with pytest.raises(intake.Refused) as refused:
        intake.parse(strange_files.BYTES[kind])
    assert 10 < len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_of_a_huge_file_no_more_is_read_than_allowed(tmp_path):
    path = tmp_path / "x.ipynb"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    assert len(intake.content(path)) == intake.MOST_BYTES + 1
    with pytest.raises(intake.Refused, match="more than 20 MB"):
        intake.read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_broken_anywhere_is_read_or_refused(method, tmp_path):
    path, whole = tmp_path / "x.zip", strange_files.zipped({"a.ipynb": strange_files.text(["x = 1"])}, method)
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([255 - whole[i]]) + whole[i + 1 :])
        with contextlib.suppress(intake.Refused):
            intake.read(path)


STUDENTS = [
    Student("ada", "Ada Byron", None, 0),
    Student("bob", "Bob Ross", None, 0),
    Student("École", "", None, 0),
    Student("ada_b", "Two People", None, 0),
    Student("u7", "Two People", None, 0),
    Student("Two People_9", "Bob", None, 0),
    Student("dora", "ADA", None, 0),
    Student("s8", "Seán Mary O'Brien-Smith", None, 0),
]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ada.ipynb", "ada"),
        ("ADA.IPYNB", "ada"),
        ("Ada Byron_123_assignsubmission_file_/work (1).ipynb", "ada"),
        ("bob/x.ipynb", "bob"),
        ("byronada_LATE_123_456_x.ipynb", "ada"),
        ("École.zip", "École"),
        ("ada_b_7_8_x.ipynb", "ada_b"),
        ("ada_c_7_8_x.ipynb", "ada"),
        ("Two People_9_assignsubmission_file_/x.ipynb", "Two People_9"),
        ("Two People_8_assignsubmission_file_/x.ipynb", None),
        ("u7/x.ipynb", "u7"),
        ("bob_1_2_x.ipynb", "bob"),
        ("obriensmithseanmary_12_345_x.ipynb", "s8"),
        ("maryo'brien-smithseán_LATE_12_345_x.ipynb", "s8"),
        ("carl.ipynb", None),
        ("ada.txt", None),
    ],
)
def test_the_file_of_the_lms_says_whose_it_is(name, student, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    found, strays = owners.owners(tmp_path, STUDENTS)
    assert {s: p for s, p in found.items() if p} == ({student: path} if student else {}) and bool(strays) == (
        not student
    )


def test_the_newest_of_several_files_counts(tmp_path):
    for name, time in (("ada_1_old.ipynb", 1e9), ("ada_2_new.ipynb", 2e9), ("ada_3_older.ipynb", 5e8)):
        (tmp_path / name).write_text("{}", encoding="utf-8")
        os.utime(tmp_path / name, (time, time))
    assert owners.owners(tmp_path, STUDENTS)[0]["ada"] == tmp_path / "ada_2_new.ipynb"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "|x"])
def test_formulas_of_a_spreadsheet_are_disarmed(text):
    assert disarmed(text) == "'" + text and disarmed("ada") == "ada"
