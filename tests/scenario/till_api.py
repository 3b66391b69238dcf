"""Drives a running agent's local API and validates each answer against agent/till/openapi.json; compares the file's
paths with the tables of routes in the sources.

usage: till_api.py SOURCE-ROOT AGENT-FOLDER HANDLE PIN CARD
"""
import http.client
import json
import re
import sys
from pathlib import Path

root, folder, handle, pin, card = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:6]
document = json.loads((root / "agent/till/openapi.json").read_text())
failures = []


# ---- a validator of the subset of JSON Schema that the file uses; anything else in the file is an error ----

KNOWN = {"$ref", "type", "properties", "required", "additionalProperties", "items", "maxItems", "minItems", "pattern",
         "enum", "minimum", "maximum", "maxLength", "description", "format", "oneOf", "const"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def resolve(node):
    while "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def is_of_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check(value, schema, where):
    schema = resolve(schema)
    if unknown := set(schema) - KNOWN:
        raise SystemExit(f"{where}: openapi.json uses {unknown}, which this test does not know")
    if "oneOf" in schema:
        fitting = [one for one in schema["oneOf"] if not list(check(value, one, where))]
        if len(fitting) != 1:
            yield f"{where}: fits {len(fitting)} of oneOf"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_of_type(value, name) for name in types):
        yield f"{where}: {value!r} is not {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
        if schema.get("format") == "date-time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
            yield f"{where}: {value!r} is not a time"
    if is_of_type(value, "integer"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            yield f"{where}: {value} is out of bounds"
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{where}: too many items"
        for index, item in enumerate(value):
            yield from check(item, schema.get("items", {}), f"{where}[{index}]")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}: {name} is missing"
        for name, item in value.items():
            if name in properties:
                yield from check(item, properties[name], f"{where}.{name}")
            elif schema.get("additionalProperties", True) is False:
                yield f"{where}: {name} is not in the file"


# ---- calls ----

address, port = (folder / "till.port").read_text().split()
admin = (folder / "admin.token").read_text().strip()
driven = set()


def template_of(path):
    for template in document["paths"]:
        if re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path) and (template == path or "{" in template):
            return template
    return None


def judge(method, path, status, kind, text):
    template = template_of(path)
    where = f"{method} {path} -> {status}"
    operation = document["paths"].get(template, {}).get(method.lower())
    if operation is None:
        failures.append(f"{where}: not in the file")
        return None
    driven.add((method, template))
    response = operation["responses"].get(str(status))
    if response is None:
        failures.append(f"{where}: the file has no such status: {text[:200]}")
        return None
    content = resolve(response).get("content")
    if content is None:
        if text:
            failures.append(f"{where}: has a body: {text[:200]}")
        return None
    if kind != "application/json":
        failures.append(f"{where}: is {kind}")
        return None
    value = json.loads(text)
    failures.extend(check(value, content["application/json"]["schema"], where))
    return value


def call(method, path, body=None, token=None, want=None, headers=None):
    head = {"Host": f"127.0.0.1:{port}"}
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head["Content-Type"] = "application/json"
    if token is not None:
        head["Authorization"] = f"Bearer {token}"
    head.update(headers or {})
    line = http.client.HTTPConnection(address, int(port), timeout=40)
    line.request(method, path, body=data, headers={k: v for k, v in head.items() if v is not None})
    answer = line.getresponse()
    text = answer.read().decode()
    kind = answer.getheader("Content-Type")
    line.close()
    value = judge(method, path, answer.status, kind, text)
    if want is not None and answer.status != want:
        failures.append(f"{method} {path}: {answer.status} instead of {want}: {text[:200]}")
    return value


def fits_request(method, path, body):
    """A body that is about to be sent and should go well is one by the file's own schema."""
    operation = document["paths"][template_of(path)][method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    failures.extend(check(body, schema, f"body of {method} {path}"))


def good(path, body, token, want):
    fits_request("POST", path, body)
    return call("POST", path, body, token, want)


# ---- the file and the sources have the same routes ----

table = re.findall(r'\{"(GET|POST|DELETE)", "(/v1/[^"]*)"', (root / "agent/till/till_api.c").read_text())
office = re.findall(r'^\t\{"([a-z]+(?:/[a-z]+)?)", ', (root / "agent/run/office_calls.c").read_text(), re.M)
routes = set()
for method, path in table:
    if path.endswith("**"):
        routes |= {(method, path[:-2] + name) for name in office}
    else:
        routes.add((method, path.replace("*", "{id}")))
listed = {(method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"}
for route in sorted(routes ^ listed):
    failures.append(f"{route} is in {'the sources' if route in routes else 'the file'} only")
assert len(table) >= 12 and len(office) >= 10, "the tables were not found"

# ---- what goes well ----

call("GET", "/v1/status", want=200)
session = good("/v1/sessions", {"name": handle, "pin": pin}, None, 201)["token"]
purpose = {"purpose": "service"}
member = good("/v1/members/lookup", {**purpose, "field": "card", "value": card}, session, 200)
good("/v1/members/lookup", {**purpose, "id": member["id"]}, session, 200)
new = good("/v1/members", {**purpose, "values": [{"field": "card", "value": "70009999001"}, {"field": "given_name", "value": "Jan"}],
                           "consents": [{"to": "direct-marketing", "status": "refused"}]}, session, 202)
good(f"/v1/members/{new['id']}/changes", {**purpose, "values": [{"field": "city", "value": "Zeist"}]}, session, 202)
good(f"/v1/members/{member['id']}/consents", {**purpose, "to": "direct-marketing", "status": "given"}, session, 202)
line = {"product": "7", "units": "1", "amount": "2.5", "cost": "1"}
receipt = {**purpose, "id": "00" * 15 + "01", "member": member["id"], "day": "2026-01-17", "lines": [line]}
good("/v1/receipts", receipt, session, 202)
good("/v1/receipts", {**purpose, "field": "card", "value": card, "day": "2026-01-17", "lines": [line]}, session, 202)
good("/v1/requests", {"right": "access", "member": member["id"], "text": "what do you have?"}, session, 202)
good("/v1/requests", {"right": "objection", "text": "no more letters"}, session, 202)
good("/v1/incidents", {"kind": "other", "text": "odd", "since": "2026-01-17T14:30Z"}, session, 202)
call("GET", "/v1/outbox", token=session, want=200)

# ---- the office ----

good("/v1/admin/staff/add", {"handle": "jan", "role": "cashier", "name": "Jan Verzonnen"}, admin, 204)
good("/v1/admin/staff/pin", {"handle": "jan", "pin": "8642"}, admin, 204)
good("/v1/admin/staff/list", {}, admin, 200)
other = good("/v1/sessions", {"name": "jan", "pin": "8642"}, None, 201)["token"]
good("/v1/admin/staff/remove", {"handle": "jan"}, admin, 204)
call("POST", "/v1/members/lookup", {**purpose, "field": "card", "value": card}, other, 401)
call("POST", "/v1/admin/agreement/offered", {}, admin)
call("POST", "/v1/admin/agreement/sign", {"hash": "00" * 32}, admin)
good("/v1/admin/alarms/list", {}, admin, 200)
call("POST", "/v1/admin/alarms/seen", {"number": 999}, admin, 404)
good("/v1/admin/outbox/list", {}, admin, 200)
call("POST", "/v1/admin/outbox/retry", {"number": 999}, admin, 404)
call("POST", "/v1/admin/outbox/discard", {"number": 999}, admin, 404)
call("POST", "/v1/admin/prove", {"index": 10**9}, admin)
good("/v1/admin/key/rotate", {}, admin, 200)

# ---- what does not ----

for method, path in sorted(listed):
    path = path.replace("{id}", member["id"])
    if method == "POST":
        call(method, path, b"{", admin if "/admin/" in path else session, 400)
        call(method, path, b"[]", admin if "/admin/" in path else session, 400)
        call(method, path, b"{}", session, 415, {"Content-Type": "text/plain"})
        call(method, path, b'"' + b"x" * 65600 + b'"', session, 413)
        call(method, path, {"surprise": 1}, admin if "/admin/" in path else session, 400)
    if path not in ("/v1/sessions", "/v1/status"):
        data = b"{}" if method == "POST" else None
        call(method, path, data, None, 401)
        call(method, path, data, "ff" * 32, 401)
        call(method, path, b"{" if data else None, "ff" * 32, 401)
        call(method, path, data, "xyz", 401)
        if "/admin/" in path:
            call(method, path, data, session, 401)
    call(method, path, b"{}" if method == "POST" else None, session, 403, {"Origin": "http://evil.example"})
    call(method, path, b"{}" if method == "POST" else None, session, 403, {"Sec-Fetch-Site": "cross-site"})
    call(method, path, b"{}" if method == "POST" else None, session, 421, {"Host": "evil.example"})
call("POST", "/v1/sessions", {"name": handle, "pin": "0000"}, None, 401)
call("POST", "/v1/members/lookup", {**purpose, "field": "card", "value": "70001"}, session, 404)
call("POST", "/v1/members/lookup", {**purpose, "field": "colour", "value": "red"}, session, 400)
call("POST", "/v1/members/lookup", {"purpose": "astrology", "field": "card", "value": card}, session)
call("POST", "/v1/members/lookup", {"purpose": "direct-marketing", "id": member["id"]}, session, 403)
call("POST", "/v1/receipts", {**receipt, "lines": [{**line, "amount": "two"}]}, session, 400)
call("POST", "/v1/receipts", {**receipt, "day": "yesterday"}, session, 400)
call("POST", "/v1/requests", {"right": "everything", "text": "?"}, session, 400)
call("POST", "/v1/incidents", {"kind": "loss", "since": "then", "text": "?"}, session, 400)
call("DELETE", "/v1/sessions/current", token=session, want=204)
call("GET", "/v1/outbox", token=session, want=401)

for route in sorted(listed - driven):
    failures.append(f"{route} was not driven")
for failure in failures:
    print(failure, file=sys.stderr)
print(f"{len(listed)} routes, {len(failures)} differences")
sys.exit(bool(failures))
