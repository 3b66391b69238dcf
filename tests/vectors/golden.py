#!/usr/bin/env python3
"""Computes the golden vectors from FORMAT.md alone, with nothing but Python's hashes.

    ./golden.py          writes golden_*.hex beside this file

The unit tests build the same byte strings with kluis and compare. A change of one of them is a new version of
FORMAT.md. Ed25519 is RFC 8032's own listing, slow and plain.
"""
import base64, hashlib, os, struct

# ---- Ed25519, RFC 8032 section 6 ----
P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
Q = 2**252 + 27742317777372353535851937790883648493


def add(a, b):
    A, B = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    C, E = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = B - A, E - C, E + C, B + A
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(s, point):
    result = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            result = add(result, point)
        point, s = add(point, point), s >> 1
    return result


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


G = base_point()


def compress(point):
    z = pow(point[2], P - 2, P)
    x, y = point[0] * z % P, point[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    return a, h[32:]


def public(seed):
    return compress(mul(expand(seed)[0], G))


def number(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little") % Q


def sign(seed, message):
    a, prefix = expand(seed)
    key = public(seed)
    r = number(prefix + message)
    R = compress(mul(r, G))
    return R + ((r + number(R + key + message) * a) % Q).to_bytes(32, "little")


# RFC 8032 section 7.1, test 2
assert sign(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"), b"\x72").hex() == (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")


# ---- protobuf ----
def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def num(field, n):
    return varint(field << 3) + varint(n)


def fixed(field, n):
    return varint(field << 3 | 1) + struct.pack("<Q", n)


def blob(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


# ---- FORMAT.md ----
ORIGIN = "loyalty.example/formula"
STORE, LOG = ORIGIN + "/store/12", ORIGIN + "/log"
STORE_SEED, LOG_SEED = bytes([0x12]) * 32, bytes([0x19]) * 32


def commitment(salt, content):  # R40
    return hashlib.blake2b(b"kluis/commitment/v1\n" + content, digest_size=32, key=salt).digest()


def leaf(entry):  # R50
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def b64(data):
    return base64.b64encode(data).decode()


def note(text, name, seed):  # R3, R10, R11
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public(seed)).digest()[:4]
    return text + "\n\u2014 " + name + " " + b64(key_id + sign(seed, text.encode())) + "\n"


request_content = blob(1, num(1, 3) + blob(2, "NL-0042"))  # Values: the card's number
request_salt = bytes([0x5A]) * 32
lookup = num(1, 3) + blob(2, commitment(request_salt, request_content))
request = (blob(1, STORE) + num(2, 3) + num(3, 7) + fixed(4, 1795363200000) + blob(5, bytes([0xA1]) * 32) +
           blob(6, bytes([0xE1]) * 16) + blob(7, num(1, 300) + blob(2, bytes([0x77]) * 32)) +
           blob(8, blob(1, "service") + blob(11, lookup)))
signature = sign(STORE_SEED, b"kluis/request/v1\n" + request)  # R31
envelope = (blob(1, request) + blob(2, signature) +
            blob(3, blob(1, blob(1, request_salt) + blob(2, request_content))))

answer_content = blob(1, num(1, 1) + blob(2, "Johanna")) + blob(1, num(1, 3) + blob(2, "NL-0042"))
answer_salt = bytes([0x33]) * 32
customer = bytes([0xC1]) * 16
disclosure = (blob(1, customer) + num(2, 2) + fixed(3, 0b101) + num(4, 0) +
              blob(5, commitment(answer_salt, answer_content)))
result = num(1, 0) + blob(2, "grant service-at-till") + blob(3, customer) + blob(5, disclosure)
entry = fixed(1, 1795363200123) + blob(2, request) + blob(3, signature) + num(4, 0) + blob(5, result)
reply = (num(1, 0) + num(4, 301) + blob(5, entry) +
         blob(6, blob(1, blob(1, answer_salt) + blob(2, answer_content))))

leaves = [leaf(b"kluis golden leaf 0"), leaf(entry), leaf(b"kluis golden leaf 2")]
root = node(node(leaves[0], leaves[1]), leaves[2])
checkpoint = note(f"{LOG}\n3\n{b64(root)}\n", LOG, LOG_SEED)
proof = f"c2sp.org/tlog-proof@v1\nindex 1\n{b64(leaves[0])}\n{b64(leaves[2])}\n\n{checkpoint}"

for name, data in {"envelope": envelope, "entry": entry, "reply": reply, "checkpoint": checkpoint.encode(),
                   "proof": proof.encode()}.items():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), f"golden_{name}.hex"), "w") as file:
        text = data.hex()
        file.write("".join(text[i:i + 120] + "\n" for i in range(0, len(text), 120)))
