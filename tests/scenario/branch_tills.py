#!/usr/bin/env python3
"""Tills of one store under load: signs in, looks members up, rings up receipts, and notes what was acknowledged.

usage: branch_tills.py PORT SECONDS SEED CARDS NOTES < PIN

CARDS has a card number a line. NOTES gets a line for each acknowledged call: "receipt <id> <amount in 1/10000>" or
"record <journal record>" for an answer from the copy, and at the end "calls <n> failed <n>". What fails is tried again
later or not at all, as at a till; a receipt is repeated under its own id until it is acknowledged or time is up.
"""
import http.client
import json
import random
import sys
import time


class Till:
    def __init__(self, port, pin):
        self.port, self.pin, self.token = port, pin, None
        self.calls = self.failed = 0

    def call(self, method, path, body=None):
        """Status and object; (0, None) when nobody answers."""
        self.calls += 1
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
            status = answer.status
            result = json.loads(text) if text else None
        except (OSError, http.client.HTTPException, ValueError):
            status, result = 0, None
        finally:
            connection.close()
        if status == 0 or status >= 300:
            self.failed += 1
        if status == 401:
            self.token = None
        return status, result

    def is_signed_in(self):
        if self.token is None:
            status, result = self.call("POST", "/v1/sessions", {"name": "till-1", "pin": self.pin})
            if status == 201:
                self.token = result["token"]
            else:
                time.sleep(0.2)
        return self.token is not None


def main():
    port, seconds, seed = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    with open(sys.argv[4], encoding="utf-8") as file:
        cards = file.read().split()
    rng = random.Random(seed)
    till = Till(port, sys.stdin.readline().rstrip("\n"))
    end = time.monotonic() + seconds
    receipt = None
    with open(sys.argv[5], "w", encoding="utf-8") as notes:
        while time.monotonic() < end or (receipt and time.monotonic() < end + 60):
            if not till.is_signed_in():
                continue
            if receipt is None and rng.random() < 0.7:
                body = {"purpose": "service", "field": "card", "value": rng.choice(cards)}
                status, result = till.call("POST", "/v1/members/lookup", body)
                if status == 200 and result["source"] == "copy":
                    notes.write(f"record {result['record']}\n")
            else:
                if receipt is None:
                    units = rng.randrange(1, 100000)
                    receipt = {"purpose": "service", "id": f"{rng.getrandbits(128):032x}", "field": "card",
                               "value": rng.choice(cards), "day": time.strftime("%Y-%m-%d", time.gmtime()),
                               "lines": [{"product": "7", "units": "1", "amount": f"{units // 10000}.{units % 10000:04d}"}]}
                    amount = units
                status, _ = till.call("POST", "/v1/receipts", receipt)
                if status == 202:
                    notes.write(f"receipt {receipt['id']} {amount}\n")
                    receipt = None
            notes.flush()
            time.sleep(0.05 if till.token else 0.2)
        notes.write(f"calls {till.calls} failed {till.failed}\n")


main()
