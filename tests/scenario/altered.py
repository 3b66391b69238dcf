#!/usr/bin/env python3
"""Alters a row of a stopped agent's database, with LMDB's own tools, as somebody with its disk could.

usage: altered.py FOLDER TABLE HOW [KEY [OTHER-KEY]]

HOW: change (a byte in the middle of the value), delete, swap (the values of two rows), duplicate (the row's value under
OTHER-KEY as well), empty (all rows of the table). KEY is hexadecimal, "first", "second" or "last", or "=text"; a row whose key
begins with it is meant if there is none of that key. "keys" prints the table's keys.
"""
import os
import shutil
import subprocess
import sys
import tempfile

folder, table, how = sys.argv[1:4]
database = os.path.join(folder, "db")
dump = subprocess.run(["mdb_dump", "-a", database], check=True, capture_output=True, text=True).stdout
tables, head, rows = {}, [], None
for line in dump.splitlines():
    if rows is None:
        head.append(line)
        if line == "HEADER=END":
            rows = []
    elif line == "DATA=END":
        name = next(each[len("database="):] for each in head if each.startswith("database="))
        tables[name] = (head, [rows[i:i + 2] for i in range(0, len(rows), 2)])
        head, rows = [], None
    else:
        rows.append(line.strip())
rows = tables[table][1]
if how == "keys":
    print("\n".join(key for key, _ in rows))
    sys.exit()


def place(name):
    names = {"first": 0, "second": 1, "last": len(rows) - 1}
    if name in names:
        return names[name]
    name = name[1:].encode().hex() if name.startswith("=") else name
    for fits in (str.__eq__, str.startswith):
        for i, (key, _) in enumerate(rows):
            if fits(key, name):
                return i
    sys.exit(f"{table} has no row {name}")


def changed(text):
    value = bytearray.fromhex(text)
    value[len(value) // 2] ^= 1
    return value.hex()


if how == "empty":
    del rows[:]
else:
    one = place(sys.argv[4])
    if how == "change":
        rows[one][1] = changed(rows[one][1])
    elif how == "delete":
        del rows[one]
    elif how == "swap":
        other = place(sys.argv[5])
        rows[one][1], rows[other][1] = rows[other][1], rows[one][1]
    elif how == "duplicate":
        name = sys.argv[5]
        rows.append([name[1:].encode().hex() if name.startswith("=") else name, rows[one][1]])
        rows.sort()
    else:
        sys.exit(__doc__)

with tempfile.TemporaryDirectory(dir=folder) as made:
    text = "".join("\n".join(head) + "\n" + "".join(f" {key}\n {value}\n" for key, value in rows) + "DATA=END\n"
                   for head, rows in tables.values())
    # its warnings are about a line that mdb_dump itself writes
    subprocess.run(["mdb_load", made], input=text, check=True, text=True, stderr=subprocess.DEVNULL)
    os.chmod(os.path.join(made, "data.mdb"), 0o600)
    shutil.move(os.path.join(made, "data.mdb"), os.path.join(database, "data.mdb"))
for each in os.listdir(database):
    if each != "data.mdb":
        os.remove(os.path.join(database, each))
