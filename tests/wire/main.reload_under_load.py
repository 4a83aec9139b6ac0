"""Settings are swapped again and again, right and wrong ones, and no visitor loses a request."""

import signal
import threading

from harness import Backend, Edge, wait_until

RELOADS = 20
VISITORS = 4


def backend_answer(connection, head, rest):
    cached = b"max-age=1" if "/cached" in head else b"no-store"
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: %s\r\n\r\nhello" % cached)
    return True


def visit(edge, stop, counts, failures, index):
    """On a connection that stays, and now and then on a fresh one."""
    connection = edge.connect()
    try:
        while not stop.is_set():
            path = (b"/cached", b"/each")[counts[index] % 2]
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = b""
            while not answer.endswith(b"hello"):
                piece = connection.recv(65536)
                assert piece, f"the connection ended after {answer!r}"
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            counts[index] += 1
            if counts[index] % 50 == 0:
                connection.close()
                connection = edge.connect()
    except Exception as error:
        failures.append(error)
    connection.close()


def main():
    backends = [Backend(backend_answer) for _ in range(2)]
    with Edge(backends[0]) as edge:
        stop, counts, failures = threading.Event(), [0] * VISITORS, []
        threads = [threading.Thread(target=visit, args=[edge, stop, counts, failures, index])
                   for index in range(VISITORS)]
        for thread in threads:
            thread.start()
        log = edge.folder / "error.log"
        for i in range(RELOADS):
            seen = sum(counts)
            wait_until(lambda: sum(counts) > seen + 20 or failures, "visitors were served")
            if i % 4 == 3:
                edge.configure("nonsense: [\n")
                done = "has mistakes"
            else:
                other = backends[(i + 1) % 2]
                edge.configure(f"  second: {{backends: [\"http://{other.address}\"]}}\n"
                               f"sites: [{{origin: {('main', 'second')[i % 2]}}}]\n"
                               f"store: {{memory: {64 + i}MB}}\n")
                done = "is in force"
            before = log.read_text().count(done)
            edge.process.send_signal(signal.SIGHUP)
            wait_until(lambda: log.read_text().count(done) > before, done)
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures, failures
        ledger = edge.status()["ledger"]
        assert ledger["visitor_errors"] == 0 and ledger["aborted"] == 0, ledger
        # The last ones are counted after their answers were sent.
        wait_until(lambda: edge.status()["ledger"]["requests"] == sum(counts), "all are counted")
        edge.await_quiet()


main()
