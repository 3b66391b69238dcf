#!/usr/bin/env python3
"""Writes the golden vectors of keys and papers with Python's cryptography package: another implementation than the one
under test, made from FORMAT.md alone. Their bytes are part of the format: a vector that changes is a new version of it.

    python3 papers.py <folder>

Keys have the seed of 32 equal bytes: controller 1, log 2, store 12 3, witness 4."""
import base64, hashlib, os, struct, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "example.com/kluis"
os.chdir(sys.argv[1])


class Key:
    def __init__(self, name, byte):
        self.name, self.seed = name, bytes([byte]) * 32
        self.key = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def id(self, kind):  # R3
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([kind]) + self.public).digest()[:4]

    def vkey(self, kind=1):  # R4
        return f"{self.name}+{self.id(kind).hex()}+{base64.b64encode(bytes([kind]) + self.public).decode()}"

    def private(self):  # R5
        return f"PRIVATE+KEY+{self.name}+{self.id(1).hex()}+{base64.b64encode(bytes([1]) + self.seed).decode()}\n"

    def line(self, text):  # R10, R11
        return f"\u2014 {self.name} {base64.b64encode(self.id(1) + self.key.sign(text.encode())).decode()}\n"

    def cosign(self, text, time):  # R14
        signed = f"cosignature/v1\ntime {time}\n{text}".encode()
        payload = self.id(4) + struct.pack(">Q", time) + self.key.sign(signed)
        return f"\u2014 {self.name} {base64.b64encode(payload).decode()}\n"


def write(name, text):
    with open(name, "w", newline="", encoding="utf-8") as file:
        file.write(text)


controller, log = Key(f"{ORIGIN}/controller", 1), Key(f"{ORIGIN}/log", 2)
store, witness = Key(f"{ORIGIN}/store/12", 3), Key(f"{ORIGIN}/witness/store/12", 4)

write("keys.txt", "# by papers.py: name, seed's byte, type, vkey\n" + "".join(
    f"{key.name} {key.seed[0]:02x} {kind} {key.vkey(kind)}\n"
    for key, kind in [(controller, 1), (log, 1), (store, 1), (witness, 4)]))
write("private-key.txt", store.private())

text = "One text has one meaning.\n\nHéél één.\n"
write("note.txt", text + "\n" + controller.line(text) + store.line(text))

checkpoint = f"{ORIGIN}/log\n8\n" + base64.b64encode(
    bytes.fromhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")).decode() + "\n"
write("cosigned-note.txt", checkpoint + "\n" + log.line(checkpoint) + witness.cosign(checkpoint, 1796040000))

pem = ["-----BEGIN CERTIFICATE-----"] + [base64.b64encode(bytes(range(i, i + 48))).decode() for i in (0, 48)] + [
    "-----END CERTIFICATE-----"]
invitation = f"""[invitation]
origin = {ORIGIN}
principal = {store.name}
broker = tls+tcp://broker.example.com:7443
log = {log.vkey()}
controller = {controller.vkey()}
code = 000102030405060708090a0b0c0d0e0f
expires = 2026-11-29T12:00:00Z
certificate = {(chr(10) + "    ").join(pem)}
"""
write("invitation.txt", invitation + "\n" + controller.line(invitation))
