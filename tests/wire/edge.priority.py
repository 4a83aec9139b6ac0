"""A backend that is asked one thing at a time: whoever waits goes in by what he is. People go before
prefetches, these before bots, and a rule may say otherwise."""

import threading

import harness

SETTINGS = """    concurrency: {start: 1, least: 1, most: 1}
threads: 1
sites:
  - lifelines: {hold: {time: 10m}}
    debug: {allow: [127.0.0.1]}
    rules:
      - {path: /checkout/*, priority: interactive}
      - {path: /export/*, priority: bot}
"""
ORDER, FREE = [], threading.Semaphore(0)
BOT = "User-Agent: Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)\r\n"
PREFETCH = "Sec-Purpose: prefetch\r\n"
PERSON = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\r\n"


def answer(connection, head, _):
    ORDER.append(head.split()[1])
    FREE.acquire()
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nwell")
    return True


def ask(edge, path, fields):
    return edge.ask(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{fields}\r\n".encode())[0]


def explained(edge, fields):
    text = ask(edge, "/first", fields + "Afloat-Debug: 1\r\n").decode()
    return text.split("priority=")[1].split("\r\n")[0]


with harness.Edge(harness.Backend(answer), SETTINGS) as edge_:
    answers, threads = [], []

    def visit(path, fields, waiting):
        threads.append(threading.Thread(
            target=lambda: answers.append(ask(edge_, path, fields)), daemon=True))
        threads[-1].start()
        harness.wait_until(lambda: edge_.status()["origins"][0]["waiting"] == waiting, path)

    visit("/first", PERSON, 0)
    harness.wait_until(lambda: ORDER == ["/first"], "the first is inside")
    visitors = [("/bot", BOT), ("/export/all", PERSON), ("/prefetch", PREFETCH),
                ("/idle", "Priority: u=7\r\n"), ("/person", PERSON), ("/checkout/1", BOT)]
    for number, (path_, fields_) in enumerate(visitors):
        visit(path_, fields_, number + 1)
    for _ in range(len(visitors) + 1):
        FREE.release()
    for thread in threads:
        thread.join()
    assert all(a.startswith(b"HTTP/1.1 200") for a in answers), answers
    # Within a class either may be first: it depends on how long they waited.
    classes = [{"/first"}, {"/person", "/checkout/1"}, {"/prefetch", "/idle"},
               {"/bot", "/export/all"}]
    order = list(ORDER)
    for names in classes:
        assert set(order[:len(names)]) == names, ORDER
        del order[:len(names)]
    origin = edge_.status()["origins"][0]
    assert (origin["waits"], origin["waits_background"], origin["waits_bots"]) == (6, 2, 2), origin
    assert explained(edge_, BOT) == "bot"
    assert explained(edge_, PREFETCH) == "background"
    assert explained(edge_, PERSON) == "interactive"
