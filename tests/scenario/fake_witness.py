#!/usr/bin/env python3
"""A witness that is no store, by C2SP tlog-witness and tlog-cosignature alone and without any code of kluis: it keeps
what it cosigned in a file, checks signature and consistency, and answers with the specification's statuses.

usage: fake_witness.py --state FOLDER --log VKEY [--name NAME] [--lie KIND] [--tls CERTIFICATE KEY]

Writes FOLDER/port and FOLDER/vkey when it serves, and one line for each answer to standard output.
--lie other-text: cosigns another checkpoint; other-key: with another key under its name; larger: says that it has
cosigned more than there is; garbage: 200 with no signature line; endless: a body without end; silent: never answers.
"""
import argparse
import base64
import hashlib
import http.server
import os
import ssl
import struct
import time

# ---- Ed25519, RFC 8032 5.1 ------------------------------------------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P != 0 or (x == 0 and sign):
        return None
    return P - x if (x & 1) != sign else x


G_Y = 4 * pow(5, P - 2, P) % P
G_X = recover_x(G_Y, 0)
G = (G_X, G_Y, 1, G_X * G_Y % P)


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def hash_number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % Q


def secret_of(seed):
    digest = hashlib.sha512(seed).digest()
    number = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return number, digest[32:]


def public_of(seed):
    return compress(times(secret_of(seed)[0], G))


def sign(seed, message):
    number, prefix = secret_of(seed)
    public = compress(times(number, G))
    r = hash_number(prefix, message)
    point = compress(times(r, G))
    s = (r + hash_number(point, public, message) * number) % Q
    return point + s.to_bytes(32, "little")


def verify(public, message, signature):
    a, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q or len(signature) != 64:
        return False
    left, right = times(s, G), add(r, times(hash_number(signature[:32], public, message), a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


# ---- notes and trees ------------------------------------------------------------------------------------------------


def key_id(name, typed):
    return hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def is_consistent(old, new, old_root, new_root, proof):  # RFC 9162 2.1.4.2
    if old == new:
        return not proof and old_root == new_root
    if old & (old - 1) == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    first, second = old - 1, new - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    left = right = proof[0]
    for step in proof[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            left, right = node(step, left), node(step, right)
            while first != 0 and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            right = node(right, step)
        first, second = first >> 1, second >> 1
    return second == 0 and left == old_root and right == new_root


class Refused(Exception):
    def __init__(self, status, body=b"", kind="text/plain"):
        super().__init__(status)
        self.status, self.body, self.kind = status, body, kind


class Witness:
    def __init__(self, options):
        self.options = options
        self.name = options.name
        self.seed = hashlib.sha256(b"seed of " + options.name.encode()).digest()
        self.log_name, self.log_id, key = options.log.split("+", 2)
        self.log_key = base64.b64decode(key)[1:]
        typed = b"\x04" + public_of(self.seed)
        self.id = key_id(self.name, typed)
        self.vkey = f"{self.name}+{self.id.hex()}+{base64.b64encode(typed).decode()}"
        self.file = os.path.join(options.state, "cosigned")

    def cosigned(self):
        try:
            with open(self.file, encoding="ascii") as file:
                size, root = file.read().split()
                return int(size), bytes.fromhex(root)
        except FileNotFoundError:
            return 0, b""

    def keep(self, size, root):  # before the answer
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write(f"{size} {root.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(self.file + ".new", self.file)

    def check_log(self, text, signatures):
        if text.split("\n")[0] != self.log_name:
            raise Refused(404)
        good = 0
        for line in signatures:
            dash, name, data = line.split(" ")
            data = base64.b64decode(data, validate=True)
            if dash != "\u2014" or name != self.log_name or data[:4].hex() != self.log_id:
                continue
            if not verify(self.log_key, text.encode(), data[4:]):
                raise Refused(403)
            good += 1
        if good == 0:
            raise Refused(403)

    def cosignature(self, text):
        seed, now = self.seed, int(time.time())
        if self.options.lie == "other-text":
            text = text.replace("\n", "\n1", 1)
        if self.options.lie == "other-key":
            seed = hashlib.sha256(seed).digest()
        message = f"cosignature/v1\ntime {now}\n{text}".encode()
        payload = self.id + struct.pack(">Q", now) + sign(seed, message)
        return f"\u2014 {self.name} {base64.b64encode(payload).decode()}\n".encode()

    def add_checkpoint(self, body):
        head, _, note = body.partition("\n\n")
        old, *hashes = head.split("\n")
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        if not old.startswith("old ") or not note.endswith("\n"):
            raise Refused(400)
        old, proof = int(old[4:]), [base64.b64decode(line, validate=True) for line in hashes]
        if len(proof) > 63:
            raise Refused(400)
        self.check_log(text, signatures.rstrip("\n").split("\n"))
        _, size, root = text.rstrip("\n").split("\n")
        size, root = int(size), base64.b64decode(root, validate=True)
        last, last_root = self.cosigned()
        if self.options.lie == "larger":
            last = size + 1000
        if old > size:
            raise Refused(400)
        if old != last:
            raise Refused(409, f"{last}\n".encode(), "text/x.tlog.size")
        if old == 0 and proof or old > 0 and not is_consistent(old, size, last_root, root, proof):
            raise Refused(422)
        self.keep(size, root)
        return b"thank you\n" if self.options.lie == "garbage" else self.cosignature(text)


class Handler(http.server.BaseHTTPRequestHandler):
    witness = None

    def answer(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print("answered", status, self.witness.cosigned()[0], flush=True)

    def do_POST(self):  # noqa: N802 (the base class's name)
        lie = self.witness.options.lie
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if lie == "silent":
            print("answered nothing", flush=True)
            time.sleep(3600)
        if lie == "endless":
            self.send_response(200)
            self.end_headers()
            print("answered without end", flush=True)
            while True:
                self.wfile.write(b"x" * 65536)
        if not self.path.endswith("/add-checkpoint"):
            self.answer(404)
            return
        try:
            self.answer(200, self.witness.add_checkpoint(body))
        except Refused as refused:
            self.answer(refused.status, refused.body, refused.kind)
        except ValueError:
            self.answer(400)

    def log_message(self, format, *arguments):  # noqa: A002 (the base class's name)
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--name", default="witness.example")
    parser.add_argument("--lie", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2)
    options = parser.parse_args()
    os.makedirs(options.state, exist_ok=True)
    Handler.witness = Witness(options)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(options.state, "vkey"), "w", encoding="ascii") as file:
        file.write(Handler.witness.vkey + "\n")
    with open(os.path.join(options.state, "port"), "w", encoding="ascii") as file:
        file.write(f"{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
