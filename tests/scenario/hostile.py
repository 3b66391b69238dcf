#!/usr/bin/python3
"""What a stranger, a store with a grudge and a crowd can send to a broker: each is answered as proto/FORMAT.md says, makes
no entry that it should not make, and gets nobody's data. Speaks with other_language.py's independent client.

usage: hostile.py WORK-FOLDER CARD

WORK-FOLDER holds kluis_pb2.py (by protoc), 6.invitation, 7.invitation and 8.invitation of stores that have not joined, and
6 and 7 an offered agreement; CARD is the card of a customer whom store 6 may look up.
"""
import os
import random
import resource
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time

import other_language as o
from other_language import check, kluis

# R37: all that somebody who is not authenticated ever hears
TERSE = {o.ERR_INPUT, o.ERR_TOO_LARGE, o.ERR_COMMITMENT, o.ERR_PRINCIPAL, o.ERR_BUSY}
ERR_SUSPENDED = 74  # R9
CARD_FIELD = 2  # broker/examples/foodmart/charter.ini
random.seed(os.environ.get("KLUIS_SEED", "45"))


def shown(text):
    print(f"45-hostile-messages: {text}", flush=True)


class Stranger:
    """Sends anything, connects again when it is thrown out."""

    def __init__(self, address, certificate):
        self.where, self.socket, self.thrown_out = (address, certificate), None, 0

    def send(self, message):
        """The reply, or None if the connection was closed instead."""
        for _ in range(3):
            try:
                self.socket = self.socket or o.Socket(*self.where)
                break
            except (OSError, o.Wrong):
                time.sleep(0.1)
        try:
            data = self.socket.ask(message)
        except (OSError, o.Wrong):
            self.socket, self.thrown_out = None, self.thrown_out + 1
            return None
        return o.strict(kluis.Reply, data)

    def refused(self, what, message, codes=TERSE):
        """Answered with one of these codes and nothing else. Among TERSE ones, being thrown out is an answer too."""
        for _ in range(200):
            reply = self.send(message)
            if reply is None and codes is TERSE:
                return
            if reply is not None and (reply.code != o.ERR_BUSY or codes is TERSE):
                check(reply.code in codes, f"{what}: code {reply.code}")
                bare(what, reply)
                return
            time.sleep(0.02)  # what strangers may have looked at comes back
        check(False, f"{what}: not looked at in 4 s")


def bare(what, reply):
    check(not reply.HasField("entry") and not reply.HasField("index"), f"{what}: made an entry")
    check(not reply.HasField("personal") and not reply.data, f"{what}: was given data")


class Watch:
    """The log grows by what a store asks and by nothing else: its next entry is the one after the last."""

    def __init__(self, store):
        self.store, self.last = store, None
        self.grown(None)

    def grown(self, by):
        answer = self.store.ask(kluis.Operation(agreements=kluis.Agreements()))
        o.one(answer)
        check(by is None or answer.reply.index == self.last + 1 + by,
              f"the log has grown by {answer.reply.index - self.last - 1 if self.last else 0} instead of {by}")
        self.last = answer.reply.index


def encoded(message):
    return message.SerializeToString(deterministic=True)


def signed(key, request):
    raw = request if isinstance(request, bytes) else encoded(request)
    return kluis.Envelope(request=raw, signature=key.sign(b"kluis/request/v1\n" + raw).signature)


# ---- below the messages -----------------------------------------------------------------------------------------------


def below_messages(address, certificate, watch):
    host, port = address[len("tls+tcp://"):].split(":")
    where = host, int(port)
    for opening in (b"", b"\n" * 3, b"GET / HTTP/1.1\r\n\r\n", b"\0SP\0\0\x30\0\0", secrets.token_bytes(4096),
                    b"\x16\x03\x01\xff\xff" + b"\1" * 70000):
        with socket.create_connection(where, timeout=5) as plain:
            try:
                plain.sendall(opening)
            except OSError:
                pass
    for greeting in (b"\0SP\0\0\x30\0\1", b"\0SP\0\0\x20\0\0", b"\1SP\0\0\x30\0\0", b"abcdefgh", b"\0SP"):
        tls = o.Socket(address, certificate).tls  # well greeted, then a second, strange greeting as a message's length
        try:
            tls.sendall(greeting)
            tls.settimeout(0.05)
            tls.recv(100)
        except OSError:
            pass
        tls.close()
    watch.grown(0)
    shown("served on after plain text, broken TLS and greetings of other protocols")

    for size in (1024 * 1024 + 5, 1 << 31, 1 << 40, (1 << 64) - 1):
        stranger = o.Socket(address, certificate)
        stranger.tls.settimeout(10)
        try:
            stranger.tls.sendall(struct.pack(">Q", size) + b"\x80\0\0\1" + b"A" * min(size, 1 << 21))
            data = stranger.tls.recv(100)
        except OSError:
            data = b""
        check(data == b"", f"a message of {size} bytes: answered")
    watch.grown(0)
    shown("closed on messages over 1 MiB, whatever length they claim")


# ---- messages that nobody signed ------------------------------------------------------------------------------------------


def garbage(stranger, store, valid, watch):
    for size in (0, 1, 2, 3, 7, 64, 1000, 65536, 1024 * 1024):
        stranger.refused(f"{size} zero bytes", bytes(size))
        stranger.refused(f"{size} random bytes", random.randbytes(size))
    stranger.refused("a nest of lengths", b"\x0a\xff\xff\xff\xff\x0f" * 1000)
    check(stranger.thrown_out > 0, "garbage is never thrown out")
    watch.grown(0)
    shown(f"garbage of 0 bytes to 1 MiB: terse answers, thrown out {stranger.thrown_out} times, no entry")

    whole = encoded(valid)
    for at in sorted({0, 1, 2, len(whole) - 1} | {random.randrange(len(whole)) for _ in range(30)}):
        stranger.refused(f"cut after {at} bytes", whole[:at])
    for _ in range(60):
        at = random.randrange(len(whole))
        altered = whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1:]
        stranger.refused(f"altered at {at}", altered)
    stranger.refused("a byte more", whole + b"\0")
    watch.grown(0)
    shown("a store's own envelope, cut or with one bit flipped anywhere: refused, no entry")

    # well signed, badly encoded (R32) or too large
    request = kluis.Request.FromString(valid.request)
    raw = valid.request
    unknown = raw + b"\xf8\x07\x01"
    twice = raw + kluis.Request(principal=request.principal).SerializePartialToString()
    for what, bytes_ in (("an unknown field", unknown), ("a field twice", twice), ("nothing", b""),
                         ("a long varint", raw.replace(b"\x10", b"\x90\x00", 1))):
        stranger.refused(f"signed, with {what}", encoded(signed(store.key, bytes_)), {o.ERR_INPUT})
    request.lane = 64
    stranger.refused("lane 64", encoded(signed(store.key, request)), {o.ERR_INPUT})
    request.lane = 0
    request.operations.extend([request.operations[0]] * 256)
    stranger.refused("257 operations", encoded(signed(store.key, request)), {o.ERR_TOO_LARGE, o.ERR_INPUT})
    request.operations[0].purpose = "x" * 50000
    stranger.refused("a request over 48 KiB", encoded(signed(store.key, request)), {o.ERR_TOO_LARGE})
    del request.operations[:]
    stranger.refused("no operation", encoded(signed(store.key, request)), {o.ERR_INPUT})
    watch.grown(0)
    shown("signed, but encoded in another way, too long or without operation: refused, no entry")


# ---- under another's name -------------------------------------------------------------------------------------------------


def wrong_names(stranger, store, other, valid, watch):
    request = kluis.Request.FromString(valid.request)

    def named(what, name, key):
        request.principal = name
        envelope = signed(key, request)
        envelope.personal.CopyFrom(valid.personal)
        stranger.refused(what, encoded(envelope), {o.ERR_PRINCIPAL, o.ERR_INPUT})

    origin = store.origin
    named("a key that nobody knows", store.principal, o.SigningKey.generate())
    named("another store's key", store.principal, other.key)
    named("a store that never joined", f"{origin}/store/8", store.key)
    for name in (f"{origin}/store/99", f"{origin}/store/06", f"{origin}/store/", f"{origin}/controller", f"{origin}/log",
                 f"{origin}/auditor/jan", "other.example/store/6", "", "x" * 300, f"{origin}/store/6\0", f"{origin}/store/-6"):
        named(f"as '{name}'", name, store.key)
    envelope = kluis.Envelope.FromString(encoded(valid))
    envelope.signature = bytes(64)
    stranger.refused("a signature of zeros", encoded(envelope), {o.ERR_PRINCIPAL})
    envelope.signature = valid.signature + b"\0"
    stranger.refused("a signature of 65 bytes", encoded(envelope), {o.ERR_INPUT})
    watch.grown(0)
    shown("wrong keys, wrong stores, head office's name: refused, no entry")

    # invitations
    for what, code in (("a wrong code", secrets.token_bytes(16)), ("a used code", store.code), ("no code", b"")):
        for principal in (store.principal, f"{origin}/store/8"):
            key = o.SigningKey.generate()
            part = o.part_of(kluis.JoinContent(code=code))
            operation = kluis.Operation(join=kluis.Join(public_key=bytes(key.verify_key),
                                                        commitment=o.commitment(part.salt, part.content)))
            envelope = signed(key, kluis.Request(principal=principal, lane=0, sequence=1, time_ms=1, operations=[operation]))
            envelope.personal.parts.append(part)
            stranger.refused(f"joining with {what}", encoded(envelope), {o.ERR_INPUT, o.ERR_PRINCIPAL, o.ERR_CODE})
    watch.grown(0)
    shown("wrong and used invitation codes: refused, no entry, and the store's own key goes on")


# ---- a store's own tricks ---------------------------------------------------------------------------------------------------


def tricks(stranger, store, other, card, watch):
    operation, part = store.lookup(CARD_FIELD, card)
    lane = store.lanes[0]

    # values that are not what was signed
    for what, change in (("another value", lambda p: p.__setattr__("content", o.part_of(
            kluis.Values(values=[kluis.Value(field=CARD_FIELD, value="1")])).content)),
            ("another salt", lambda p: p.__setattr__("salt", bytes(32))),
            ("a short salt", lambda p: p.__setattr__("salt", b"salt"))):
        envelope = store.envelope([operation], [part])
        change(envelope.personal.parts[0])
        stranger.refused(what, encoded(envelope), {o.ERR_COMMITMENT, o.ERR_INPUT})
    stranger.refused("no value", encoded(store.envelope([operation])), {o.ERR_COMMITMENT, o.ERR_INPUT})
    stranger.refused("a value too many", encoded(store.envelope([operation], [part, part])), {o.ERR_COMMITMENT, o.ERR_INPUT})
    watch.grown(0)
    shown("values other than those that were signed: refused, no entry")

    # order
    first = store.envelope([operation], [part])
    answer = store.send(first)
    check(o.one(answer).disclosures, "the member is shown")
    late = store.envelope([operation], [part])
    o.one(store.send(late))
    watch.grown(2)
    for what, sequence in (("0", 0), ("1", 1), ("one that is long gone", lane.sequence - 3), ("the next but one", lane.sequence + 1),
                           ("2^62", 1 << 62)):
        envelope = store.envelope([operation], [part])
        request = kluis.Request.FromString(envelope.request)
        request.sequence = sequence
        again = signed(store.key, request)
        again.personal.CopyFrom(envelope.personal)
        reply = store_says(store, again)
        check(reply.code in (o.ERR_SEQUENCE, o.ERR_INPUT), f"sequence number {what}: code {reply.code}")
        check(reply.code != o.ERR_SEQUENCE or reply.expected == lane.sequence, f"sequence number {what}: expected {reply.expected}")
        bare(f"sequence number {what}", reply)
    for what, envelope in (("first", first), ("second", late)):
        bare(f"the {what} of three sent again", store_says(store, envelope))
    watch.grown(0)
    shown("replayed and reordered envelopes: refused, no entry, nothing shown again")

    # from here on there are entries: the store is who it says, and is held to what it signed
    wrong = store.envelope([operation], [part])
    request = kluis.Request.FromString(wrong.request)
    request.acknowledgement.leaf = secrets.token_bytes(32)
    envelope = signed(store.key, request)
    envelope.personal.CopyFrom(wrong.personal)
    answer = store.send(envelope)
    check(answer.entry.code == o.ERR_ACKNOWLEDGEMENT and not answer.results, "acknowledging what never was")
    watch.grown(1)
    again = store.envelope([operation], [part], sequence=lane.sequence - 1)
    answer = store.send(again)
    check(answer.entry.code == o.ERR_REUSED and not answer.results, "a number used for something else")
    watch.grown(1)
    shown("a false acknowledgement, a number used twice: each refused with an entry that holds the store's signature")

    # what is head office's alone, or another store's
    employee, store.employee = store.employee, None
    for what, operation in (("suspend another", kluis.Operation(standing=kluis.Standing(store=7, action=1))),
                            ("resume itself", kluis.Operation(standing=kluis.Standing(store=6, action=2))),
                            ("open a store", kluis.Operation(open_store=kluis.OpenStore(store=9, name="Ours", country="US"))),
                            ("read the log", kluis.Operation(read_log=kluis.ReadLog(**{"from": 0, "size": 1}))),
                            ("sum up", kluis.Operation(totals=kluis.Totals(after=b"", count=10))),
                            ("see all stores", kluis.Operation(census=kluis.Census()))):
        o.one(store.ask(operation), o.ERR_FORBIDDEN)
    proof = store.ask(kluis.Operation(prove=kluis.Prove(index=0)))
    check(proof.results[0].code in (o.ERR_FORBIDDEN, o.ERR_NOT_FOUND), "a proof of an entry that is not its own")
    mine, store.agreement = store.agreement, other.agreement
    operation, part = store.lookup(CARD_FIELD, card)
    store.employee = employee
    o.one(store.ask(operation, parts=[part]), o.ERR_OTHER_AGREEMENT, "agreement")
    store.agreement = mine
    store.employee = other.employee
    operation, part = store.lookup(CARD_FIELD, card)
    o.one(store.ask(operation, parts=[part]), o.ERR_NO_EMPLOYEE)
    store.employee = employee
    paper = store.ask(kluis.Operation(get_paper=kluis.GetPaper(hash=other.agreement)))
    o.one(paper, o.ERR_NOT_FOUND)
    check(not any(data.items for data in paper.reply.data), "another store's agreement was shown")
    watch.grown(10)
    shown("head office's operations, another store's agreement, staff and papers: refused and entered")


def after_the_end(store, card, watch):
    operation, part = store.lookup(CARD_FIELD, card)
    envelope = store.envelope([operation], [part])
    check(store.send(envelope).people, "the member is shown")
    subprocess.run(["kluis-broker", "agreement", "suspend", "6"], check=True, stdout=subprocess.DEVNULL)
    reply = store_says(store, envelope)
    check(reply.code == ERR_SUSPENDED and reply.HasField("entry"), f"sent again after suspension: code {reply.code}")
    check(not reply.HasField("personal") and not reply.data, "sent again after suspension, it shows the member again")
    o.one(store.asks_for(CARD_FIELD, card), ERR_SUSPENDED, "agreement: suspended")
    subprocess.run(["kluis-broker", "agreement", "resume", "6"], check=True, stdout=subprocess.DEVNULL)
    watch.grown(4)
    shown("a request sent again after the store was suspended gets its entry, but nobody's data (R39)")


def store_says(store, envelope):
    return o.strict(kluis.Reply, store.socket.ask(encoded(envelope)))


# ---- a crowd ------------------------------------------------------------------------------------------------------------------


def flood(address, certificate, store, card, watch):
    stop, sent, lock = threading.Event(), [0, 0], threading.Lock()
    forged = encoded(signed(o.SigningKey.generate(), kluis.Request(
        principal=store.principal, lane=0, sequence=1, time_ms=1,
        operations=[kluis.Operation(agreements=kluis.Agreements())])))
    messages = [forged, random.randbytes(200), b"", forged[:-5], bytes(200000)]

    def pour():
        stranger = Stranger(address, certificate)
        count = 0
        while not stop.is_set():
            try:
                if stranger.send(messages[0 if count % 20 else random.randrange(len(messages))]) is not None:
                    count += 1
            except AttributeError:  # could not connect just now
                pass
        with lock:
            sent[0] += count
            sent[1] += stranger.thrown_out

    crowd = [threading.Thread(target=pour) for _ in range(32)]
    for thread in crowd:
        thread.start()
    time.sleep(0.5)
    longest, lookups, begun = 0.0, 0, time.monotonic()
    try:
        while time.monotonic() - begun < 6:
            operation, part = store.lookup(CARD_FIELD, card)
            at = time.monotonic()
            check(o.one(store.ask(operation, parts=[part])).disclosures, "the member is shown")
            longest, lookups = max(longest, time.monotonic() - at), lookups + 1
    finally:
        stop.set()
        for thread in crowd:
            thread.join()
    check(sent[0] > 200, f"that was no flood: {sent[0]} messages")
    check(lookups >= 6, f"only {lookups} lookups in 6 s")
    watch.grown(lookups)
    shown(f"while 32 strangers had {sent[0]} messages answered and were thrown out {sent[1]} times, a store made {lookups} lookups, "
          f"the slowest in {longest * 1000:.0f} ms")


def idle_crowd(address, certificate, store, watch):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 1400:
        shown("left out: 1,100 idle connections (the limit of open files is too low)")
        return
    idle = [o.Socket(address, certificate) for _ in range(1100)]
    watch.grown(0)
    newcomer = Stranger(address, certificate)
    check(newcomer.send(b"hello") is not None, "nobody gets in past an idle crowd")
    for each in idle:
        each.tls.close()
    watch.grown(0)
    shown("1,100 idle connections keep nobody out")


def make_store(number):
    with open(f"{o.work}/{number}.invitation", "rb") as file:
        store = o.Store(file.read())
    o.join(store)
    o.sign_agreement(store)
    store.employee = o.hire(store, "Testa Cashier", "cashier")
    return store


def main():
    card = sys.argv[2]
    store, other = make_store(6), make_store(7)
    with open(f"{o.work}/6.invitation", "rb") as file:
        text = o.ini(file.read())["invitation"]
    where = text["broker"], text["certificate"] + "\n"
    stranger = Stranger(*where)
    watch = Watch(store)
    below_messages(*where, watch)
    operation, part = store.lookup(CARD_FIELD, card)
    valid = store.envelope([operation], [part])
    garbage(stranger, store, valid, watch)
    valid = store.envelope([operation], [part])
    wrong_names(stranger, store, other, valid, watch)
    tricks(stranger, store, other, card, watch)
    after_the_end(store, card, watch)
    flood(*where, store, card, watch)
    idle_crowd(*where, store, watch)


if __name__ == "__main__":
    main()
