"""Each rule of ledger.py, broken once."""
import os
import re
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import ledger  # noqa: E402


@pytest.fixture
def tree(tmp_path):
    for folder in ledger.FOLDERS:
        shutil.copytree(os.path.join(ROOT, folder), tmp_path / folder)
    os.makedirs(tmp_path / "docs")
    shutil.copy(os.path.join(ROOT, ledger.LEDGER), tmp_path / "docs")
    return tmp_path


def edit(tree, path, pattern, replacement):
    text = (tree / path).read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=1)
    assert changed != text
    (tree / path).write_text(changed, encoding="utf-8")


def test_the_ledger_is_complete(tree):
    assert not list(ledger.breaches(tree))


@pytest.mark.parametrize("path, pattern, replacement, said", [
    ("tests/unit/vrrp/state_machine_test.cpp", r"TEST\(Start, MakesTheOwnerMasterAtOnce\)", "TEST(Start, Gone)",
     "S1: state_machine_test has no Start.MakesTheOwnerMasterAtOnce"),
    ("tests/unit/vrrp/advertisement_test.cpp", '"TTL 254"', '"TTL"', "R1: advertisement_test has no TTL 254"),
    ("tests/netns/test_vrrp_ipv6.py", r"def test_one_of_two", "def a_one_of_two", "S4: test_vrrp_ipv6 has no"),
    (ledger.LEDGER, r"(\| S2 \|(?:[^|]*\|){4})[^|]*\|", r"\1 |", "S2 has no negative test"),
    (ledger.LEDGER, r"(\| S22 \|(?:[^|]*\|){3})[^|]*\|", r"\1 |", "S22 has no test at all"),
    (ledger.LEDGER, r"\| S2 \|", "| S1 |", "S1 stands twice"),
    (ledger.LEDGER, r"\| S2 \| 6.4.1 \|", "| S2 |", "6 cells instead of 7"),
    (ledger.LEDGER, r"\| S2 \| 6.4.1 \| MUST", "| S2 | 6.4.1 | OUGHT", "S2: level 'OUGHT'"),
])
def test_a_gap_is_found(tree, path, pattern, replacement, said):
    edit(tree, path, pattern, replacement)
    assert any(said in breach for breach in ledger.breaches(tree)), list(ledger.breaches(tree))
