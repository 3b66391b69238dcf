#!/usr/bin/python3
"""A store in another language, made from proto/FORMAT.md and proto/kluis.proto alone: it joins, signs its agreement,
asks, and checks what was recorded about it. R numbers are FORMAT.md's rules, S numbers the steps of its section 10.

usage: other_language.py WORK-FOLDER

WORK-FOLDER holds kluis_pb2.py (by protoc), 6.invitation, customers.csv and receipts.csv as the broker imported them.
Needs python3-nacl and python3-protobuf; no code of kluis.
"""
import base64
import csv
import hashlib
import re
import secrets
import socket
import ssl
import struct
import sys
import time

from google.protobuf.message import DecodeError
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

work = sys.argv[1]
sys.path.insert(0, work)
import kluis_pb2 as kluis  # noqa: E402 (made by protoc in the work folder)

# R9, what a broker may answer
ERR_OK, ERR_BUSY = 0, 6
ERR_NOT_FOUND, ERR_EXISTS, ERR_AMBIGUOUS, ERR_STATE = 20, 21, 22, 23
ERR_USAGE, ERR_INPUT, ERR_TOO_LARGE, ERR_COMMITMENT, ERR_FIELD = 30, 31, 32, 33, 34
ERR_PURPOSE, ERR_VALUE, ERR_PAPER, ERR_SIGNATURE = 35, 36, 37, 38
ERR_PRINCIPAL, ERR_FORBIDDEN, ERR_SEQUENCE, ERR_REUSED, ERR_ACKNOWLEDGEMENT = 50, 51, 52, 53, 54
ERR_CODE, ERR_STORE = 55, 56
ERR_NO_AGREEMENT, ERR_OTHER_AGREEMENT, ERR_NOT_YET, ERR_EXPIRED, ERR_SUSPENDED = 70, 71, 72, 73, 74
ERR_TERMINATED, ERR_NO_GRANT_PURPOSE, ERR_NO_GRANT_OPERATION, ERR_NO_EMPLOYEE = 75, 76, 77, 78
ERR_ROLE, ERR_TERRITORY, ERR_HOURS, ERR_SCOPE, ERR_RESTRICTED = 79, 80, 81, 82, 83
ERR_CONSENT, ERR_PER_DAY, ERR_NOT_GRANTED_FIELD = 84, 85, 86
OFFERED, ACTIVE = 2, 3  # R28


class Wrong(Exception):
    """What is not as FORMAT.md says; the traceback shows where."""


def check(is_so, what):
    if not is_so:
        raise Wrong(what)


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- keys and papers: R3, R4, R10 to R13 ----------------------------------------------------------------------------


def key_id(name, kind, public):
    return sha256(name.encode() + b"\n" + bytes([kind]) + public)[:4]


class Vkey:
    def __init__(self, text):
        self.name, written, coded = text.split("+", 2)
        raw = base64.b64decode(coded, validate=True)
        check(len(raw) == 33 and raw[0] == 1, f"{text}: not an Ed25519 key")
        self.public = raw[1:]
        self.id = key_id(self.name, 1, self.public)
        check(self.id.hex() == written, f"{text}: its id is not the recomputed one (R4)")

    def verifies(self, message, signature):
        try:
            VerifyKey(self.public).verify(message, signature)
            return True
        except BadSignatureError:
            return False


def note_open(note, *keys):
    """The note's text; each key must have signed it."""
    at = note.rindex(b"\n\n")
    text, lines = note[: at + 1], note[at + 2 :].decode().split("\n")
    check(lines.pop() == "", "a note ends in a newline")
    check(0 < len(lines) <= 64, "a note has 1 to 64 signatures (R12)")
    signed = set()
    for line in lines:
        dash, name, coded = line.split(" ")
        check(dash == "\u2014", "a signature line begins with an em dash")
        raw = base64.b64decode(coded, validate=True)
        for key in keys:
            if (name, raw[:4]) == (key.name, key.id):
                check(key.verifies(text, raw[4:]), f"the signature of {name} does not verify")
                signed.add(name)
    for key in keys:
        check(key.name in signed, f"{key.name} has not signed")
    return text


def ini(text):
    """Sections of key and value: R15 (what R16 refuses is the signer's business here)."""
    sections, section, key = {}, None, None
    for line in text.decode().split("\n"):
        indented = line.startswith(" ")
        line = re.sub(r" +;.*$", "", line).strip(" ")
        if not line or line[0] in ";#":
            key = key if indented or line else None
        elif indented and key:
            section[key] += "\n" + line
        elif line[0] == "[":
            section = sections.setdefault(line[1:-1], {})
        else:
            key, value = (part.strip(" ") for part in line.split("=", 1))
            section[key] = value
    return sections


def items(value):
    return [item.strip() for item in value.split(",")]  # R17


# ---- the wire: R30 and the Scalability Protocols' mapping on TCP ----------------------------------------------------


class Socket:
    """One REQ socket over TLS."""

    def __init__(self, address, certificate):
        host, port = re.fullmatch(r"tls\+tcp://(.+):(\d+)", address).groups()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificate)  # the only authority
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        plain = socket.create_connection((host.strip("[]"), int(port)), timeout=20)
        self.tls = context.wrap_socket(plain, server_hostname="kluis-broker")
        self.tls.sendall(b"\0SP\0" + struct.pack(">HH", 0x30, 0))  # REQ
        check(self.read(8) == b"\0SP\0" + struct.pack(">HH", 0x31, 0), "the broker is no REP peer")
        self.request_id = secrets.randbits(31)

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.tls.recv(size - len(data))
            check(piece, "the broker closed the connection")
            data += piece
        return data

    def ask(self, message):
        self.request_id = (self.request_id + 1) & 0x7FFFFFFF
        head = struct.pack(">I", self.request_id | 0x80000000)
        self.tls.sendall(struct.pack(">Q", len(head) + len(message)) + head + message)
        (size,) = struct.unpack(">Q", self.read(8))
        check(4 <= size <= 4 + 1024 * 1024, f"a reply of {size} bytes")
        reply = self.read(size)
        check(reply[:4] == head, "a reply to another request")
        return reply[4:]


def strict(kind, data):
    """Decodes and holds the bytes against R32."""
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise Wrong(f"{kind.__name__}: {error}") from error
    check(message.SerializeToString(deterministic=True) == data, f"{kind.__name__}: not the one encoding (R32)")
    return message


# ---- commitments, tree: R40, R50, R51, R60 --------------------------------------------------------------------------


def commitment(salt, content):
    return hashlib.blake2b(b"kluis/commitment/v1\n" + content, digest_size=32, key=salt).digest()


def part_of(content):
    return kluis.Part(salt=secrets.token_bytes(32), content=content.SerializeToString(deterministic=True))


def opened(part, kind, committed):
    check(len(part.salt) == 32 and commitment(part.salt, part.content) == committed, "a part is no opening")
    return strict(kind, part.content)


def leaf_hash(entry):
    return sha256(b"\0" + entry)


def node(left, right):
    return sha256(b"\1" + left + right)


def root_by_inclusion(index, size, leaf, path):  # RFC 9162 2.1.3.2
    check(index < size, "a proof of an entry that its tree does not have")
    fn, sn, root = index, size - 1, leaf
    for hash_ in path:
        check(sn != 0, "a proof that is too long")
        if fn & 1 or fn == sn:
            root = node(hash_, root)
            while fn & 1 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node(root, hash_)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "a proof that is too short")
    return root


def proof_verify(proof, entry, index, log):
    head, checkpoint = proof.split(b"\n\n", 1)
    lines = head.decode().split("\n")
    check(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    check(lines.pop(0) == f"index {index}", "a proof of another entry")
    path = [base64.b64decode(line, validate=True) for line in lines]
    origin, size, root, rest = note_open(checkpoint, log).decode().split("\n")
    check((origin, rest) == (log.name, ""), "a checkpoint of another log (R58)")
    check(str(int(size)) == size, "a size has one decimal form")
    computed = root_by_inclusion(index, int(size), leaf_hash(entry), path)
    check(computed == base64.b64decode(root, validate=True), "the entry is not in the tree")
    return int(size)


# ---- a store --------------------------------------------------------------------------------------------------------


class Answer:
    """A reply, its entry decoded, with what a store checks of every reply (S6)."""

    def __init__(self, envelope, data):
        self.bytes = data
        self.reply = strict(kluis.Reply, data)
        self.code = self.reply.code
        check(len(data) <= 1024 * 1024, "a reply over 1 MiB")
        if not self.reply.HasField("entry"):
            check(not self.reply.HasField("index") and not self.reply.HasField("personal"), "values without entry")
            self.entry, self.results = None, []
            return
        check(len(self.reply.entry) <= 65535, "an entry over 65,535 bytes (R46)")
        self.entry = strict(kluis.Entry, self.reply.entry)
        check(self.entry.request == envelope.request, "the entry holds another request")
        check(self.entry.signature == envelope.signature, "the entry holds another signature")
        self.results = self.entry.results
        asked = len(strict(kluis.Request, envelope.request).operations)
        check(len(self.results) == (asked if self.entry.code == 0 else 0), "one result for each operation (R48)")
        self.people = self.open_disclosures()

    def open_disclosures(self):
        disclosures = [d for result in self.results for d in result.disclosures]
        for result in self.results:
            check(result.code == 0 or not result.disclosures, "a refused operation discloses")
        committed = [d for d in disclosures if d.HasField("commitment")]
        parts = list(self.reply.personal.parts)
        if self.reply.code != 0:  # R39
            check(not parts and not self.reply.data, "values after the access has ended (R39)")
            return []
        check(len(parts) == len(committed), "not one part for each commitment (R40)")
        people = []
        for disclosure in disclosures:
            check(len(disclosure.customer) == 16, "a pseudonym has 16 bytes (R33)")
            if not disclosure.HasField("commitment"):
                check((disclosure.version, disclosure.fields) == (0, 0) and disclosure.withheld, "a tombstone (R111)")
                people.append((disclosure, None))
                continue
            check(not disclosure.HasField("withheld") and disclosure.version > 0, "a disclosure is no tombstone")
            values = opened(parts.pop(0), kluis.Values, disclosure.commitment).values
            numbers = [value.field for value in values]
            check(numbers == sorted(set(numbers)), "values stand by ascending number (R41)")
            check(sum(1 << number - 1 for number in numbers) == disclosure.fields, "fields are not those of the values")
            people.append((disclosure, {value.field: value.value for value in values}))
        return people


class Lane:
    def __init__(self, number):
        self.number, self.sequence, self.last = number, 1, None


class Principal:
    """Who signs and sends requests."""

    def __init__(self, name, key, connection):
        self.principal, self.key, self.socket = name, key, connection
        self.lanes = {}
        self.agreement = self.employee = None

    def envelope(self, operations, parts=(), papers=(), lane=0, acknowledgement=True, sequence=None):
        state = self.lanes.setdefault(lane, Lane(lane))
        request = kluis.Request(principal=self.principal, lane=lane, sequence=sequence or state.sequence,
                                time_ms=int(time.time() * 1000), operations=operations)
        if self.agreement:
            request.agreement = self.agreement
        if self.employee:
            request.employee = self.employee
        if state.last and acknowledgement:  # R35
            request.acknowledgement.index, request.acknowledgement.leaf = state.last
        signed = request.SerializeToString(deterministic=True)
        envelope = kluis.Envelope(request=signed, papers=papers,
                                  signature=self.key.sign(b"kluis/request/v1\n" + signed).signature)  # R31
        if parts:
            envelope.personal.parts.extend(parts)
        return envelope

    def send(self, envelope, lane=0):
        answer = Answer(envelope, self.socket.ask(envelope.SerializeToString(deterministic=True)))
        if answer.entry and answer.entry.code != ERR_REUSED:  # which leaves the lane as it was (R35)
            state = self.lanes[lane]
            state.sequence = strict(kluis.Request, envelope.request).sequence + 1
            state.last = answer.reply.index, leaf_hash(answer.reply.entry)
        return answer

    def ask(self, *operations, parts=(), papers=(), lane=0):
        answer = self.send(self.envelope(operations, parts, papers, lane), lane)
        check(answer.entry, f"code {answer.code} without entry: {answer.reply.text}")
        return answer

    def lookup(self, field, value, purpose="service"):
        part = part_of(kluis.Values(values=[kluis.Value(field=field, value=value)]))
        operation = kluis.Operation(purpose=purpose)
        operation.lookup.field, operation.lookup.commitment = field, commitment(part.salt, part.content)
        return operation, part

    def asks_for(self, field, value, purpose="service"):
        operation, part = self.lookup(field, value, purpose)
        return self.ask(operation, parts=[part])


class Store(Principal):
    def __init__(self, invitation):
        text = ini(invitation)["invitation"]
        self.controller = Vkey(text["controller"])
        note_open(invitation, self.controller)  # S1
        self.log = Vkey(text["log"])
        self.origin, self.code = text["origin"], bytes.fromhex(text["code"])
        check(self.controller.name == self.origin + "/controller" and self.log.name == self.origin + "/log",
              "the invitation's keys have the formula's names (R2)")
        connection = Socket(text["broker"], text["certificate"] + "\n")  # S2
        super().__init__(text["principal"], SigningKey.generate(), connection)


class HeadOffice(Principal):
    """The controller, over the store's connection: who sends a request is said by its signature alone."""

    def __init__(self, key_file, connection):
        _, _, name, _, coded = key_file.split("+", 4)  # R5
        super().__init__(name, SigningKey(base64.b64decode(coded)[1:]), connection)


def one(answer, code=0, clause=None):
    codes = answer.code, answer.entry.code
    check(codes == (0, 0), f"codes {codes} of reply and entry: {answer.reply.text}")
    check(len(answer.results) == 1, "one result")
    result = answer.results[0]
    check(result.code == code, f"result {result.code} ({result.clause}) instead of {code}")
    check(clause is None or result.clause == clause, f"clause '{result.clause}' instead of '{clause}'")
    return result


def get_paper(store, hash_):
    answer = store.ask(kluis.Operation(get_paper=kluis.GetPaper(hash=hash_)))
    one(answer)
    (data,) = answer.reply.data
    (note,) = data.items
    return note


def masked(value, kept):  # R45, a mask "last n"
    return "\u2022" * (len(value) - kept) + value[-kept:] if len(value) > kept else "\u2022" * 3


# ---- the story of section 10 ----------------------------------------------------------------------------------------


def join(store):  # S3
    part = part_of(kluis.JoinContent(code=store.code))
    answer = store.ask(kluis.Operation(join=kluis.Join(public_key=bytes(store.key.verify_key),
                                                       commitment=commitment(part.salt, part.content))), parts=[part])
    one(answer, clause="")
    return answer


def sign_agreement(store):  # S4
    answer = store.ask(kluis.Operation(agreements=kluis.Agreements()))
    one(answer)
    rows = [strict(kluis.AgreementRow, item) for item in answer.reply.data[0].items]
    (offered,) = [row for row in rows if row.state == OFFERED]
    text = note_open(get_paper(store, offered.hash), store.controller)
    check(sha256(text) == offered.hash, "a paper under another hash (R13)")
    agreement = ini(text)
    check(agreement["agreement"]["origin"] == store.origin and
          f"{store.origin}/store/{agreement['agreement']['store']}" == store.principal, "another store's agreement")
    signature = store.key.sign(text).signature  # R11
    one(store.ask(kluis.Operation(accept=kluis.Accept(agreement=offered.hash, signature=signature))))
    signed = get_paper(store, offered.hash)
    note_open(signed, store.controller, Vkey(vkey(store.principal, bytes(store.key.verify_key))))
    (row,) = [strict(kluis.AgreementRow, item)
              for item in store.ask(kluis.Operation(agreements=kluis.Agreements())).reply.data[0].items]
    check((row.hash, row.state) == (offered.hash, ACTIVE), "the agreement is not active after Accept")
    store.agreement = offered.hash
    charter = note_open(get_paper(store, bytes.fromhex(agreement["agreement"]["charter"])), store.controller)
    check(sha256(charter).hex() == agreement["agreement"]["charter"], "another charter")
    return agreement, ini(charter)


def vkey(name, public):
    return f"{name}+{key_id(name, 1, public).hex()}+{base64.b64encode(bytes([1]) + public).decode()}"


def hire(store, name, role):
    employee, part = secrets.token_bytes(16), part_of(kluis.StaffContent(name=name))
    one(store.ask(kluis.Operation(staff=kluis.Staff(employee=employee, role=role,
                                                    commitment=commitment(part.salt, part.content))), parts=[part]))
    return employee


def expected_values(member, grant, numbers, columns):
    masks = dict(item.split(":") for item in items(grant["masks"])) if "masks" in grant else {}
    values = {}
    for field in items(grant["fields"]):
        value = member[columns[field]].strip()
        if value:
            check(masks.get(field, "last4") == "last4", "this test knows one mask")
            values[numbers[field]] = masked(value, 4) if field in masks else value
    return values


def copy_from(store, cursor):
    """Customers by pseudonym with their values, None for a tombstone; and the cursor to go on from."""
    people = {}
    while True:
        page = store.ask(kluis.Operation(purpose="service", sync=kluis.Sync(cursor=cursor, count=2)), lane=1)
        result = one(page, clause="grant service-at-till")
        check(len(page.people) <= 2, "a page of at most two")
        people.update((disclosure.customer, values) for disclosure, values in page.people)
        check(result.cursor >= cursor, "a cursor goes on")
        cursor = result.cursor
        if not result.has_more:
            return people, cursor


def main():
    with open(f"{work}/6.invitation", "rb") as file:
        store = Store(file.read())
    with open(f"{work}/customers.csv", newline="") as file:
        members = {row["customer_id"]: row for row in csv.DictReader(file)}
    with open(f"{work}/receipts.csv", newline="") as file:
        visits = {row["customer_id"] for row in csv.DictReader(file) if row["store_id"] == "6"}
    stranger = next(iter(members.keys() - visits))
    guest = sorted(visits)[0]

    joined = join(store)
    check(joined.reply.index > 0, "the first entry is the charter (R49)")
    agreement, charter = sign_agreement(store)
    numbers = {title[6:]: int(keys["number"]) for title, keys in charter.items() if title.startswith("field ")}
    grant = agreement["grant service-at-till"]
    # field of the charter = column of the file, as broker/examples/foodmart/customers.map has them
    columns = {"given_name": "fname", "family_name": "lname", "tier": "member_card", "card": "account_num",
               "phone": "phone1", "city": "city"}
    cashier = hire(store, "Testa Cashier", "cashier")

    # S5, S6: a lookup by card
    store.employee = cashier
    operation, part = store.lookup(numbers["card"], members[guest]["account_num"])
    envelope = store.envelope([operation], [part])
    answer = store.send(envelope)
    result = one(answer, clause="grant service-at-till")
    ((disclosure, values),) = answer.people
    check(result.customer == disclosure.customer, "the result names the customer")
    check(disclosure.grant == 0, "the grant's ordinal (R27)")
    check(values == expected_values(members[guest], grant, numbers, columns), f"the member is shown as {values}")

    # sent again: the same entry, the same values, no further entry (R34)
    again = store.send(envelope)
    check(again.bytes == answer.bytes, "sent again it is answered with other bytes")
    reused = store.send(store.envelope([operation], [part], sequence=store.lanes[0].sequence - 1))
    check(reused.entry.code == ERR_REUSED and reused.code == 0, "a number used again")

    # refusals name their clause
    one(store.asks_for(numbers["card"], members[stranger]["account_num"]), ERR_SCOPE,
        "grant service-at-till: customers")
    one(store.asks_for(numbers["card"], members[guest]["account_num"], "fraud-prevention"), ERR_NO_GRANT_PURPOSE,
        "no grant for purpose fraud-prevention")
    one(store.asks_for(numbers["card"], members[guest]["account_num"], "direct-marketing"), ERR_ROLE,
        "grant direct-marketing: staff")
    one(store.asks_for(numbers["card"], "000000000"), ERR_NOT_FOUND)

    # S7: the proof
    for _ in range(50):  # until a checkpoint covers the entry (R117)
        proven = store.ask(kluis.Operation(prove=kluis.Prove(index=answer.reply.index)))
        if proven.results[0].code != ERR_NOT_FOUND:
            break
        time.sleep(0.05)
    one(proven)
    size = proof_verify(proven.reply.data[0].items[0], answer.reply.entry, answer.reply.index, store.log)
    check(size > answer.reply.index, "the tree holds the entry")

    # S8: the first copy, two at a time, on a lane of its own
    store.employee = None
    people, cursor = copy_from(store, 0)
    want = sorted(sorted(expected_values(members[number], grant, numbers, columns).items()) for number in visits)
    check(sorted(sorted(values.items()) for values in people.values()) == want, "the copy is not the store's visitors")
    check(disclosure.customer in people, "a customer has one pseudonym")

    # art. 18: head office restricts the guest; the store is told to let go, and asks in vain
    with open(f"{work}/hq/controller.key") as file:
        office = HeadOffice(file.read(), store.socket)
    restriction = kluis.Restriction(customer=disclosure.customer, is_restricted=True)
    one(office.ask(kluis.Operation(restriction=restriction), lane=40), clause="controller")
    news, cursor = copy_from(store, cursor)
    check(news == {disclosure.customer: None}, "the copy is not told of the restriction")
    store.employee = cashier
    one(store.asks_for(numbers["card"], members[guest]["account_num"]), ERR_RESTRICTED,
        "grant service-at-till: restriction")

    # R39: after a suspension the entry is given again, the person is not
    operation, part = store.lookup(numbers["card"], members[sorted(visits)[1]]["account_num"])
    envelope = store.envelope([operation], [part])
    answer = store.send(envelope)
    one(answer)
    one(office.ask(kluis.Operation(standing=kluis.Standing(store=6, action=1)), lane=40))
    again = store.send(envelope)
    check(again.code == ERR_SUSPENDED and again.reply.entry == answer.reply.entry, "R39: a suspended store")
    one(store.asks_for(numbers["card"], members[guest]["account_num"]), ERR_SUSPENDED, "agreement: suspended")
    print(f"other_language: joined, signed, asked, proved in a tree of {size}, copied {len(people)} customers")


if __name__ == "__main__":
    main()
