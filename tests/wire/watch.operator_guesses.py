"""Thousands of networks that guess together have no more guesses than all networks have, however
many of them there are: what they did together is not forgotten for what each of them did."""

import http.client
import time

from harness import PATIENCE_SECONDS, Backend, Edge, page

NETWORKS = 6000
ROUNDS = 3
BURST, PER_SECOND = 20, 1
settings = f"""clients: {{trusted_proxies: [127.0.0.1]}}
sites: [{{hosts: [shop.example]}}]
status:
  name: Example
  operators: {{people: {{robot: {{token: {'0' * 64}}}}}}}
"""
backend = Backend(lambda connection, *_: connection.sendall(page(b"")))

with Edge(backend, settings) as edge:
    connection = http.client.HTTPConnection(*edge.address, timeout=PATIENCE_SECONDS)
    begin = time.monotonic()
    statuses = []
    for number in range(NETWORKS * ROUNDS):
        network = number // ROUNDS  # one after the other, for all that it has
        connection.request("GET", "/.afloat/operator", headers={
            "Host": "shop.example", "Authorization": f"Bearer {number}",
            "X-Forwarded-For": f"10.1.{network // 250}.{network % 250}"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    seconds = time.monotonic() - begin
    connection.close()
    assert set(statuses) == {401, 429}, set(statuses)
    guesses = statuses.count(401)
    assert BURST <= guesses <= BURST + PER_SECOND * seconds + 1, (guesses, seconds)
