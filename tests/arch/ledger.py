"""docs/vrrp-ledger.md against the tests: ledger.py ROOT prints every row that names no test, or one that does not exist.

A MUST needs a positive and a negative test unless its note says *n/a* or *differs*; every test that is named must exist.
"""
import os
import re
import sys

LEDGER = "docs/vrrp-ledger.md"
FOLDERS = ("tests/unit/vrrp", "tests/unit/daemon/config", "tests/netns")
COLUMNS = ("id", "section", "level", "statement", "positive", "negative", "notes")
LEVELS = {"MUST", "SHOULD", "MAY"}


def rows(text):
    """The rows of the ledger's tables, as dictionaries."""
    for number, line in enumerate(text.split("\n"), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == len(COLUMNS) and cells[0] != "id" and not set(line) <= set("|- "):
            yield {**dict(zip(COLUMNS, cells)), "line": number}
        elif cells and cells[0] != "id" and not set(line) <= set("|- "):
            yield {"line": number, "cells": len(cells)}


def sources(root):
    """Text by file name without ending."""
    found = {}
    for folder in FOLDERS:
        for name in os.listdir(os.path.join(root, folder)):
            if name.endswith((".cpp", ".py")):
                with open(os.path.join(root, folder, name), encoding="utf-8") as text:
                    stem = os.path.splitext(name)[0]
                    found[stem] = found.get(stem, "") + text.read()  # two folders may have a file of one name
    return found


def exists(text, name):
    """A GoogleTest (or its suite), a row in a table of cases, or a Python function."""
    if match := re.fullmatch(r"(\w+)\.(\w+)", name):
        return re.search(rf"\bTEST(?:_F|_P)?\(\s*{match[1]}\s*,\s*{match[2]}\s*\)", text)
    return (re.search(rf"^def {re.escape(name)}\(", text, re.MULTILINE) or f'"{name}"' in text
            or re.search(rf"\bTEST(?:_F|_P)?\(\s*{re.escape(name)}\s*,", text))


def breaches(root):
    with open(os.path.join(root, LEDGER), encoding="utf-8") as ledger:
        all_rows = list(rows(ledger.read()))
    files = sources(root)
    seen = set()
    for row in all_rows:
        where = f"{LEDGER}:{row['line']}"
        if "cells" in row:
            yield f"{where}: {row['cells']} cells instead of {len(COLUMNS)}"
            continue
        if row["id"] in seen:
            yield f"{where}: {row['id']} stands twice"
        seen.add(row["id"])
        if row["level"] not in LEVELS:
            yield f"{where}: {row['id']}: level {row['level']!r}"
        excused = "*n/a*" in row["notes"] or "*differs*" in row["notes"]
        for polarity in ("positive", "negative"):
            tests = re.findall(r"`(\w+): ([^`]+)`", row[polarity])
            if not tests and row["level"] == "MUST" and not excused:
                yield f"{where}: {row['id']} has no {polarity} test"
            if not tests and polarity == "positive" and not excused:
                yield f"{where}: {row['id']} has no test at all"
            for file, name in tests:
                if file not in files:
                    yield f"{where}: {row['id']}: there is no {file}"
                elif not exists(files[file], name):
                    yield f"{where}: {row['id']}: {file} has no {name}"
    if len(seen) < 60:
        yield f"{LEDGER}: only {len(seen)} rows: is it still a ledger?"


def main():
    found = list(breaches(sys.argv[1]))
    print("\n".join(found) or "the ledger is complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
