#!/usr/bin/python3
"""Holds a broker against FORMAT.md from outside: what section 4 says of messages and lanes, section 9 of operations.

usage: format_rules.py WORK-FOLDER

Beside other_language.py's needs, WORK-FOLDER holds 7.invitation, whose agreement also grants register, update and
consent, two customers a day, and hq/controller.key. Customers 2 and 4 have bought at store 7.
"""
import re
import secrets
import time

import other_language as other
from other_language import HeadOffice, Socket, Store, check, commitment, ini, kluis, part_of, sha256, struct, work

with open("proto/FORMAT.md", encoding="utf-8") as page:
    NAMES = {int(number): name for number, name in re.findall(r"(\d+) (ERR_\w+)", page.read())}  # R9
TODAY = int(time.time() // 86400)


def op(kind, purpose=None, content=None, **fields):
    """An operation and, with content, its part."""
    part = part_of(content) if content is not None else None
    if part:
        fields["commitment"] = commitment(part.salt, part.content)
    operation = kluis.Operation(**{kind: getattr(kluis, "".join(w.title() for w in kind.split("_")))(**fields)})
    if purpose:
        operation.purpose = purpose
    return operation, part


def values(fields):
    return kluis.Values(values=[kluis.Value(field=field, value=fields[field]) for field in sorted(fields)])


def expect(who, rule, want, *made, lane=None, papers=()):
    """want: a code for the reply without entry, 'entry <code>', or codes of results with the clause behind a colon."""
    parts = [part for _, part in made if part]
    lane = lane or (50 if isinstance(who, HeadOffice) else 0)  # head office's commands use others
    answer = who.send(who.envelope([operation for operation, _ in made], parts, papers, lane), lane)
    if answer.entry is None:
        got = NAMES[answer.code]
    elif answer.entry.code:
        got = "entry " + NAMES[answer.entry.code]
    else:
        got = ", ".join(NAMES[r.code] + (": " + r.clause if r.clause else "") + (" unchanged" if r.is_unchanged else "")
                        for r in answer.results)
    check(got == want, f"{rule}: {got} instead of {want}")
    return answer


def lookup(value, purpose="service", field=2):
    return op("lookup", purpose, values({field: value}), field=field)


def messages(store, certificate, address):
    """Section 4, of single messages: none has an entry, and none uses the sequence number."""
    def told(rule, want, message):
        connection = Socket(address, certificate)  # R97: one connection does not live through many of these
        reply = other.strict(kluis.Reply, connection.ask(message))
        check((NAMES[reply.code], reply.HasField("entry")) == (want, False), f"{rule}: {NAMES[reply.code]} for {want}")
        return reply

    def signed(change=None, operations=(op("agreements")[0],), parts=(), papers=()):
        envelope = store.envelope(operations, parts, papers)
        request = kluis.Request.FromString(envelope.request)
        if change:
            change(request)
        envelope.request = request.SerializeToString(deterministic=True)
        envelope.signature = store.key.sign(b"kluis/request/v1\n" + envelope.request).signature
        return envelope.SerializeToString(deterministic=True)

    def field(name, value):
        return lambda request: setattr(request, name, value)

    told("R37", "ERR_INPUT", b"garbage")
    told("R32", "ERR_INPUT", signed() + b"\x78\x01")
    told("R42", "ERR_INPUT", signed(papers=[b"x"]))
    told("R40", "ERR_COMMITMENT", signed(parts=[part_of(values({2: "1"}))]))
    told("R40", "ERR_COMMITMENT", signed(operations=[lookup("1")[0]]))
    told("R31", "ERR_PRINCIPAL", signed(field("principal", store.principal[:-1] + "6")))
    told("R7", "ERR_INPUT", signed(field("lane", 64)))
    told("R7", "ERR_INPUT", signed(operations=[op("agreements")[0]] * 257))
    told("R7", "ERR_INPUT", signed(operations=[op("sync", "service", cursor=0, count=513)[0]]))
    told("R7", "ERR_INPUT", signed(operations=[op("prove", index=1 << 63)[0]]))
    told("R7", "ERR_INPUT", signed(operations=[op("totals", after=bytes(65), count=1)[0]]))
    told("R7", "ERR_INPUT", signed(operations=[op("standing", store=7, action=1, reason="x" * 1025)[0]]))
    told("R7", "ERR_TOO_LARGE", signed(operations=[op("standing", store=7, action=1, reason="x" * 49152)[0]]))
    for day in -25568, 2932897:
        operation, part = op("receipt", "service", kluis.ReceiptContent(), id=bytes(16), store=7, day=day)
        told("R7", "ERR_INPUT", signed(operations=[operation], parts=[part]))
    reply = told("R34", "ERR_SEQUENCE", signed(field("sequence", store.lanes[0].sequence + 1)))
    check(reply.expected == store.lanes[0].sequence, "R34: another number is expected")


def lanes(store):
    expect(store, "R35", "ERR_OK", op("agreements"), lane=5)
    store.lanes[5].last = 3, bytes(32)
    expect(store, "R35", "entry ERR_ACKNOWLEDGEMENT", op("agreements"), lane=5)
    expect(store, "R35", "ERR_OK", op("agreements"), lane=5)  # that entry is acknowledged
    frames = [store.envelope([op("agreements")[0]], lane=lane) for lane in (6, 7)]  # R96
    for number, envelope in enumerate(frames):
        message = struct.pack(">I", 0x80001000 + number) + envelope.SerializeToString(deterministic=True)
        store.socket.tls.sendall(struct.pack(">Q", len(message)) + message)
    heads = set()
    for _ in frames:
        (size,) = struct.unpack(">Q", store.socket.read(8))
        heads.add(store.socket.read(size)[:4].hex())
    check(heads == {"80001000", "80001001"}, "R96: two lanes at once")


def lookups(store):
    grant = "ERR_OK: grant service-at-till"
    expect(store, "R91", f"{grant}, {grant}, ERR_SCOPE: grant service-at-till: customers", lookup("900-0000 0002"),
           lookup("90000000004"), lookup("90000000005"))
    expect(store, "R110", "ERR_FIELD", lookup("Invented", field=3))
    expect(store, "R110", "ERR_VALUE", lookup(""))
    expect(store, "R110", "ERR_INPUT", op("lookup", "service", values({3: "x"}), field=2))
    expect(store, "R95", "ERR_NO_GRANT_PURPOSE: no grant for purpose ?", lookup("1", "Not a name"))
    store.employee, employee = None, store.employee
    expect(store, "R85", "ERR_NO_EMPLOYEE: grant service-at-till: employee", lookup("90000000002"))
    store.employee, store.agreement, agreement = employee, bytes(32), store.agreement
    expect(store, "section 9", "ERR_OTHER_AGREEMENT: agreement", lookup("90000000002"))
    store.agreement = agreement


def receipts(store):
    allowed = "ERR_OK: grant service-at-till"

    def receipt(rule, want, day=TODAY, store_=7, id_=None, customer="90000000002", lines=1, product="1", amount=19900):
        content = kluis.ReceiptContent(lines=[kluis.Line(product=product, units=10000, amount=amount)] * lines)
        if customer:
            content.customer.field, content.customer.value = 2, customer
        made = op("receipt", "service", content, id=id_ or secrets.token_bytes(16), store=store_, day=day)
        expect(store, rule, want, made)

    same = secrets.token_bytes(16)
    receipt("R112", allowed, id_=same)
    receipt("R112", allowed + " unchanged", id_=same)
    receipt("R112", "ERR_EXISTS", id_=same, lines=2)
    receipt("R112", "ERR_STORE", store_=6)
    receipt("R112", allowed, day=TODAY + 1)
    receipt("R112", "ERR_VALUE", day=TODAY + 3)
    receipt("R112", "ERR_TOO_LARGE", lines=1001)
    receipt("R112", "ERR_VALUE", amount=10**15 + 1)
    receipt("R112", "ERR_VALUE", product="x" * 1025)
    receipt("R112", "ERR_INPUT", customer=None)
    receipt("R88", allowed, customer="90000000005")  # a receipt itself makes a visitor
    expect(store, "R91", "ERR_PER_DAY: grant service-at-till: per-day", lookup("90000000005"))


def registrations(store, office):
    def register(who, rule, want, fields, customer=None, consents=(), **more):
        states = [kluis.ConsentState(purpose=purpose, status=status) for purpose, status in consents]
        return expect(who, rule, want, op("registration", "service", values(fields), consents=states,
                                          customer=customer or secrets.token_bytes(16), **more))

    allowed, controller, new = "ERR_OK: grant service-at-till", "ERR_OK: controller", secrets.token_bytes(16)
    answer = register(store, "R113", allowed, {2: "90000000009", 3: "Newly", 4: "Nia"}, new)
    check(answer.results[0].fields == 0b1110 and answer.results[0].version == 1, "R113: the fields written")
    register(store, "R113", "ERR_EXISTS", {2: "90000000010"}, new)
    register(store, "R113", "ERR_NOT_GRANTED_FIELD: grant service-at-till", {6: "9 Nowhere Lane"})
    register(store, "R113", "ERR_FIELD", {60: "x"})
    register(store, "R113", "ERR_VALUE", {2: "!"})
    register(store, "R113", "ERR_VALUE", {3: ""})
    register(store, "R113", "ERR_STORE", {2: "90000000011"}, store=6)
    register(store, "R113", "ERR_PURPOSE", {2: "90000000011"}, consents=[("unheard-of", 4)])
    register(store, "R113", "ERR_INPUT", {2: "90000000011"}, consents=[("service", 4), ("service", 4)])
    register(office, "R113", controller, {1: "100", 3: "Inventor"})
    register(office, "R113", controller + " unchanged", {1: "100", 3: "Inventor"})
    register(office, "R113", controller, {1: "100", 3: "Inventrix"})
    register(office, "R113", "ERR_STORE", {1: "101"}, store=9)
    expect(office, "R114", "ERR_EXISTS", op("update", "service", values({1: "100"}), customer=new))
    consent = op("consent", "service", customer=new, state=kluis.ConsentState(purpose="direct-marketing", status=4))
    expect(office, "R115", controller, consent)
    expect(office, "R115", controller + " unchanged", consent)
    expect(store, "R88", "ERR_SCOPE: grant service-at-till: customers", consent)


def others(store, office):
    expect(store, "section 9", "ERR_FORBIDDEN, ERR_OK", op("census"), op("agreements"))
    expect(store, "R117", "ERR_STORE", op("agreements", store=6))
    expect(store, "R117", "ERR_FORBIDDEN", op("prove", index=0))
    expect(store, "R117", "ERR_NOT_FOUND", op("get_paper", hash=bytes(32)))
    expect(store, "R117", "ERR_OK", op("get_paper", hash=b""))
    expect(store, "R106", "ERR_FIELD", op("staff", employee=bytes(16), role="unheard-of"))
    expect(store, "R106", "ERR_NOT_FOUND", op("staff", employee=bytes(16), role=""))
    expect(store, "R106", "ERR_STORE", op("staff", employee=bytes(16), role="cashier", store=6))
    expect(store, "R105", "ERR_NOT_FOUND", op("accept", agreement=store.agreement, signature=bytes(64)))
    expect(office, "section 9", "ERR_FORBIDDEN", op("sync", "service", cursor=0, count=1))
    expect(office, "R94", "ERR_PURPOSE", lookup("90000000002", "unheard-of"))
    for principal, want in (("x.example/y/store/7", "ERR_PRINCIPAL"), (store.origin + "/store/9", "ERR_STORE")):
        expect(office, "R103", want, op("invite", principal=principal, code_hash=bytes(32), expires_ms=1))
    for days, want in ((91, "ERR_VALUE"), (89, "ERR_OK")):
        expires = int((time.time() + days * 86400) * 1000)
        expect(office, "R103", want, op("invite", principal=store.origin + "/store/7", code_hash=bytes(32), expires_ms=expires))
    expect(office, "R105", "ERR_PAPER", op("draft", store=7, hash=sha256(b"x\n")), papers=[b"x\n"])
    expect(office, "R28", "ERR_STATE", op("standing", store=7, action=2))
    for rows, want in ((5, "ERR_OK"), (4, "ERR_STATE"), (6, "ERR_OK")):
        expect(office, "R117", want, op("progress", **{"import": bytes(32)}, rows=rows))
    size = 100000
    expect(office, "R117", "ERR_NOT_FOUND", op("read_log", **{"from": 0}, size=size))
    expect(office, "R117", "ERR_INPUT", op("read_log", **{"from": size + 1}, size=size))


def main():
    with open(f"{work}/7.invitation", "rb") as file:
        invitation = file.read()
    store = Store(invitation)
    with open(f"{work}/hq/controller.key") as file:
        office = HeadOffice(file.read(), store.socket)
    expect(store, "R37", "ERR_PRINCIPAL", op("agreements"))
    expect(store, "R104", "ERR_CODE", op("join", None, kluis.JoinContent(code=bytes(16)),
                                         public_key=bytes(store.key.verify_key)))
    other.join(store)
    expect(store, "R80", "ERR_NO_AGREEMENT: no agreement", lookup("90000000002"))
    other.sign_agreement(store)
    store.employee = other.hire(store, "Testa Seven", "cashier")
    text = ini(invitation)["invitation"]
    messages(store, text["certificate"] + "\n", text["broker"])
    lanes(store)
    lookups(store)
    receipts(store)
    registrations(store, office)
    others(store, office)
    print("format_rules: the broker does as FORMAT.md says")


if __name__ == "__main__":
    main()
