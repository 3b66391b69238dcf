#!/usr/bin/env python3
"""Computes a store's journal of three records from FORMAT.md R32, R123 and R124 alone.

    ./journal.py         writes journal.txt beside this file

The unit tests encode the same records with kluis and compare. A change of one byte is a new version of FORMAT.md.
"""
import hashlib, os, struct


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def encode(fields):
    out = b""
    for field, value in fields:
        if isinstance(value, bytes):
            out += varint(field << 3 | 2) + varint(len(value)) + value
        elif isinstance(value, float):  # stands for fixed64
            out += varint(field << 3 | 1) + struct.pack("<Q", int(value))
        else:
            out += varint(field << 3) + varint(value)
    return out


def record(number, before, code, shown):
    fields = [(1, number), (2, float(1795435200000 + number)), (3, before), (4, 300 + number), (5, b"\x11" * 32),
              (6, b"\x22" * 32), (7, b"\x33" * 16), (8, b"service"), (9, 3), (10, code)]
    if shown:
        fields += [(11, b"\x44" * 16), (12, 2), (13, float(5)), (14, 0), (15, 260)]
    return encode(fields)


lines = ["# Made by journal.py: a record's hash (R124), the record; each names the hash of the one before (R123)."]
before = bytes(32)
for number, code in ((1, 0), (2, 81), (3, 0)):
    encoded = record(number, before, code, code == 0)
    before = hashlib.sha256(b"kluis/journal/v1\n" + encoded).digest()
    lines.append(before.hex() + " " + encoded.hex())
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "journal.txt"), "w") as out:
    out.write("\n".join(lines) + "\n")
