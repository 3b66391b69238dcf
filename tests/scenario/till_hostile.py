"""What a hostile page or program tries on a running agent's local API.

usage: till_hostile.py AGENT-FOLDER CARD PROCESS
Employees till-1 (PIN 7391) and till-2 (PIN 6284); till-1 waits after this.
"""
import http.client
import json
import os
import socket
import sys
import time
from pathlib import Path

folder, card, process = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
address, port = (folder / "till.port").read_text().split()
port = int(port)
JSON = {"Content-Type": "application/json"}


def ask(method, path, body=None, headers=None, host=None):
    line = http.client.HTTPConnection(address, port, timeout=20)
    line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    line.putheader("Host", host or f"127.0.0.1:{port}")
    for name, value in (headers or {}).items():
        line.putheader(name, value)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    if data is not None:
        line.putheader("Content-Length", str(len(data)))
    line.endheaders(data)
    answer = line.getresponse()
    text = answer.read()
    line.close()
    names = {name.lower() for name, _ in answer.getheaders()}
    assert not any(name.startswith("access-control") for name in names), "a page would be let in"
    return answer.status, text, answer


def want(status, *arguments, **more):
    got, text, answer = ask(*arguments, **more)
    assert got == status, f"{arguments} {more}: {got} instead of {status}: {text[:200]}"
    assert "Unknown" not in answer.reason, f"{status} {answer.reason}"
    return text, answer


def raw(data, wait=2.0, end=False):
    """What comes back for bytes as they are; b'' when the connection is closed without a word."""
    with socket.create_connection((address, port)) as line:
        line.settimeout(wait)
        got = b""
        try:
            line.sendall(data)
            if end:
                line.shutdown(socket.SHUT_WR)
            while more := line.recv(65536):
                got += more
        except (socket.timeout, ConnectionError):
            pass
        return got


def is_up():
    want(200, "GET", "/v1/status")


def memory_kb():
    return next(int(line.split()[1]) for line in open(f"/proc/{process}/status") if line.startswith("VmRSS"))


def sign_in(name, pin):
    return ask("POST", "/v1/sessions", {"name": name, "pin": pin}, JSON)


# ---- a page ----

good = {"name": "till-2", "pin": "6284"}
for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port}", "file://", ""):
    want(403, "POST", "/v1/sessions", good, {**JSON, "Origin": origin})
    want(403, "GET", "/v1/status", None, {"Origin": origin})
    want(403, "OPTIONS", "/v1/sessions", None, {"Origin": origin, "Access-Control-Request-Method": "POST"})
for site in ("cross-site", "same-site", "same-origin"):
    want(403, "GET", "/v1/status", None, {"Sec-Fetch-Site": site})
for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"localhost.:{port}",
             f"127.0.0.1:{port}.evil.example", f"0.0.0.0:{port}", f"127.1:{port}", f"2130706433:{port}", f"[::]:{port}"):
    want(421, "GET", "/v1/status", host=host)
for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
             "text/plain; application/json", ""):
    want(415, "POST", "/v1/sessions", good, {"Content-Type": kind})
want(415, "POST", "/v1/sessions", good)
print("pages: other origins, rebound names, forms and preflights are refused", flush=True)

# ---- odd messages ----

head = f"Host: 127.0.0.1:{port}\r\n".encode()
post = b"POST /v1/sessions HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
before = memory_kb()
for path in ("/v1/../v1/status", "//v1/status", "/v1//status", "/v1/%73tatus", "/v1/status?x=1", "/v1/status;x", "/v1/STATUS",
             "/v1/status/../../etc/passwd", "http://evil.example/v1/status", "/v1/" + "a" * 7000):
    want(400, "GET", path)
for path in ("/", "/v1", "/v1/status/", "/v1/admin/", "/admin.token", "/v1/members/x/changes"):
    assert ask("GET", path)[0] in (400, 404, 405), path
for method in ("PUT", "PATCH", "TRACE", "CONNECT", "HEAD", "A" * 3000, "get"):
    want(405, method, "/v1/status")
for data in (post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
             post + b"Content-Length: -1\r\n\r\n{}",
             post + b"Content-Length: 99999999999999999999\r\n\r\n{}",
             post + b"Content-Length: 4294967298\r\n\r\n{}",
             post + b"Content-Length: 2\r\nContent-Length: 60000\r\n\r\n{}",
             b"GET /v1/status HTTP/1.1\r\n\r\n",
             b"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n" + head + b"\r\n",
             b"\x16\x03\x01\x02\x00garbage\r\n\r\n",
             b"GET /v1/sta\0tus HTTP/1.1\r\n" + head + b"\r\n",
             b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + head + b"\r\n",
             b"GET /v1/status HTTP/1.1\r\n" + head + b"X: " + b"a" * 1000000 + b"\r\n\r\n",
             b"GET /v1/status HTTP/1.1\r\n" + head + b"".join(b"X%d: y\r\n" % i for i in range(100000)) + b"\r\n"):
    got = raw(data, wait=0.5)
    assert b" 200 " not in got and b" 201 " not in got, (data[:80], got[:200])
assert raw(post + b"Content-Length: 10\r\n\r\n{}", end=True) == b"", "a body that ends early was taken"
two = raw(b"GET /v1/status HTTP/1.1\r\n" + head + b"\r\nGARBAGE\r\n\r\n", wait=0.5)
assert two.count(b"HTTP/1.1 200") == 1
want(413, "POST", "/v1/sessions", b'"' + b"x" * 66000 + b'"', JSON)
assert b" 201 " not in raw(post + b"Content-Length: 4000000\r\n\r\n" + b"x" * 4000000, wait=0.5)
want(400, "POST", "/v1/sessions", b"[" * 60000, JSON)
want(400, "POST", "/v1/sessions", b'{"name": "till-2", "name": "till-1", "pin": "6284"}', JSON)
want(400, "POST", "/v1/sessions", b'{"name": "till-2\\u0000", "pin": "6284"}', JSON)
want(400, "POST", "/v1/sessions", b'{"name": "\xff", "pin": "6284"}', JSON)
want(400, "POST", "/v1/sessions", {"name": ["till-2"], "pin": 6284}, JSON)
is_up()
grown = memory_kb() - before
assert grown < 20000, f"{grown} kB more than before"
print(f"odd paths, methods, lengths, headers and bodies are refused; {grown} kB of memory more than before", flush=True)

# ---- connections that say nothing ----

silent = [socket.create_connection((address, port)) for _ in range(300)]
for each in silent:
    each.sendall(b"POST /v1/sess")
is_up()
time.sleep(2.5)
for each in silent:
    each.setblocking(False)


def is_ended(line):
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False


ended = sum(is_ended(each) for each in silent)
assert 44 <= ended < 60, f"{ended} of 300 silent connections were ended: 256 may stay"
for each in silent:
    each.close()
is_up()
print("300 connections that say half a line do not keep a till out, and are soon 256", flush=True)

# ---- PINs ----

wrong = [sign_in("till-1", pin) for pin in ("0001", "0002", "0003")]
nobody = sign_in("nobody", "0001")
assert wrong[0][0] == 401 and nobody[0] == 401, (wrong[0], nobody)
assert wrong[0][1] == nobody[1], f"says who is on the roster: {wrong[0][1]} {nobody[1]}"
assert b"0001" not in wrong[0][1]
status, text, answer = sign_in("till-1", "7391")
assert status == 429 and int(answer.getheader("Retry-After")) >= 30, (status, text)
for pin in range(20):
    assert sign_in("till-1", f"{pin:04}")[0] == 429
status, text, _ = sign_in("till-2", "6284")
assert status == 201, text
token = json.loads(text)["token"]
print("PINs: after three wrong ones even the right one has to wait; others sign in", flush=True)

# ---- tokens ----

lookup = {"purpose": "service", "field": "card", "value": card}
admin = (folder / "admin.token").read_text().strip()
flipped = token[:-1] + ("0" if token[-1] != "0" else "1")
for guess in (flipped, token[:-2], token + "00", token.upper() + "0", "", "0" * 64, "f" * 64, admin, token[:32] + "0" * 32):
    want(401, "POST", "/v1/members/lookup", lookup, {**JSON, "Authorization": f"Bearer {guess}"})
for scheme in (f"Basic {token}", token, f"Bearer  {token}", f"Bearer {token} {token}"):
    want(401, "POST", "/v1/members/lookup", lookup, {**JSON, "Authorization": scheme})
for guess in (token, admin[:-1] + ("0" if admin[-1] != "0" else "1"), "0" * 64, ""):
    want(401, "POST", "/v1/admin/staff/list", {}, {**JSON, "Authorization": f"Bearer {guess}"})
text, _ = want(401, "POST", "/v1/members/lookup", lookup, {**JSON, "Authorization": f"Bearer {flipped}"})
assert card.encode() not in text and flipped.encode() not in text
ask("POST", "/v1/members/lookup", lookup, {**JSON, "Authorization": f"Bearer {token}"})
want(204, "DELETE", "/v1/sessions/current", None, {"Authorization": f"Bearer {token}"})
want(401, "POST", "/v1/members/lookup", lookup, {**JSON, "Authorization": f"Bearer {token}"})
os.kill(process, 0)
print("tokens: guesses, shortened ones, those of others and of ended sessions are refused", flush=True)
