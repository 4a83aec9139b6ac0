"""What is watched: small HTTP servers on the loopback that can be well, answer 500, be gone, or fail
a share of the requests by hanging up, chosen by a seeded generator."""

import asyncio
import random
import threading

WELL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
ILL = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbad\n"


class Target:
    """One address; faults: the share of requests that it hangs up on."""

    def __init__(self, loop, faults=0.0, seed=1):
        self.loop, self.faults, self.random = loop, faults, random.Random(seed)
        self.answer, self.asked, self.failed, self.server = WELL, 0, 0, None
        self.do(self.open(0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def open(self, port):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", port, backlog=1000)

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if self.random.random() < self.faults:
                self.failed += 1
            else:
                writer.write(self.answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def close(self):
        self.server.close()

    def die(self, refuses):
        """Connections are refused, or each answer is a 500."""
        if refuses:
            self.do(self.close())
        else:
            self.answer = ILL


class Farm:
    """A thread that serves them all."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def target(self, faults=0.0, seed=1):
        return Target(self.loop, faults, seed)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
