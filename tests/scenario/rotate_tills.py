#!/usr/bin/env python3
"""One till of a store whose key is rotated: looks members up in the copy and at the broker, and rings up receipts.

usage: rotate_tills.py PORT CARDS NOTES STOP strict|patient < PIN

CARDS: lines "copy CARD" and "broker CARD". NOTES gets "copy", "broker" or "receipt" for each call that was answered, and
"FAILED what status text" for what was not. Strict: nothing may fail. Patient: the agent is killed now and then, so a
call that nobody answers is made again, and so is a refusal that says that the broker is away. Ends when STOP is there
and the last receipt was acknowledged.
"""
import http.client
import itertools
import json
import os
import random
import sys
import time

AWAY = {"network", "timeout", "busy"}


class Till:
    def __init__(self, port, pin):
        self.port, self.pin, self.token = port, pin, None

    def call(self, path, body):
        """Status and object; (0, {}) when nobody answers."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else {}
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def sign_in(self):
        while self.token is None:
            status, answer = self.call("/v1/sessions", {"name": "till-1", "pin": self.pin})
            self.token = answer["token"] if status == 201 else None
            if self.token is None:
                time.sleep(0.05)


def main():
    port, stop, is_strict = int(sys.argv[1]), sys.argv[4], sys.argv[5] == "strict"
    cards = {"copy": [], "broker": []}
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file:
            where, card = line.split()
            cards[where].append(card)
    till = Till(port, sys.stdin.readline().rstrip("\n"))
    turns = itertools.cycle(["copy", "broker", "copy", "receipt"])
    with open(sys.argv[3], "a", encoding="utf-8") as notes:
        while not os.path.exists(stop):
            what = next(turns)
            if what == "receipt":
                path, body = "/v1/receipts", {"purpose": "service", "id": f"{random.getrandbits(128):032x}",
                                              "field": "card", "value": random.choice(cards["copy"]),
                                              "day": time.strftime("%Y-%m-%d", time.gmtime()),
                                              "lines": [{"product": "7", "units": "1", "amount": "1.0000"}]}
            else:
                path, body = "/v1/members/lookup", {"purpose": "service", "field": "card",
                                                    "value": random.choice(cards[what])}
            while True:
                till.sign_in()
                status, answer = till.call(path, body)
                if 200 <= status < 300:
                    notes.write(f"{what}\n" if what == "receipt" or answer["source"] == what else
                                f"FAILED {what}: came from {answer['source']}\n")
                    break
                if status == 401 and not is_strict:
                    till.token = None
                    continue
                is_passing = status == 0 or answer.get("error") in AWAY
                if is_strict or not is_passing:
                    notes.write(f"FAILED {what} {status} {answer.get('error')} {answer.get('text')}\n")
                    break
                time.sleep(0.05)
            notes.flush()


main()
