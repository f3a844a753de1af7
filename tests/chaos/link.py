"""A TCP proxy for one link between two nodes, which can be cut in either direction or in both.

Cut, a direction swallows nothing and delivers nothing: the bytes wait in the kernel's buffers as they would for a lost
route, until they fill. `sever` closes what is open and refuses what comes.
"""

import asyncio
import threading

CHUNK = 1 << 16


class Link:
    """From its own address to `target`. Threads may call everything; the sockets live on the loop of a Links object."""

    def __init__(self, links, target):
        self._links, self.target = links, target
        self._open = {"to": asyncio.Event(), "back": asyncio.Event()}
        self._severed = False
        self._writers = set()
        self._held = {"to": 0, "back": 0}
        self.address = None

    async def _start(self):
        self._loop = asyncio.get_running_loop()
        for gate in self._open.values():
            gate.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = "%s:%d" % self._server.sockets[0].getsockname()[:2]

    async def _accept(self, reader, writer):
        self._writers.add(writer)
        far, ways = None, []
        try:
            if self._severed:
                return
            host, port = self.target.rsplit(":", 1)
            back, far = await asyncio.open_connection(host, int(port))
            self._writers.add(far)
            ways = [asyncio.create_task(self._carry(reader, far, "to")),
                    asyncio.create_task(self._carry(back, writer, "back"))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the node behind it is down: as without a proxy, the connection ends
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.close()

    async def _carry(self, reader, writer, direction):
        try:
            while data := await reader.read(CHUNK):
                self._held[direction] += len(data)
                await self._open[direction].wait()
                self._held[direction] -= len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def held(self, direction):
        """How many bytes have arrived from the sender and wait until the direction is healed."""
        return self._held[direction]

    def _run(self, function):
        self._loop.call_soon_threadsafe(function)

    def cut(self, *directions):
        """`to`: towards the target, `back`: from it; none named: both."""
        for direction in directions or self._open:
            self._run(self._open[direction].clear)

    def sever(self):
        def now():
            self._severed = True
            for writer in list(self._writers):
                writer.transport.abort()

        self._run(now)

    def heal(self):
        def now():
            self._severed = False
            for gate in self._open.values():
                gate.set()

        self._run(now)


class Links:
    """The loop of all proxies, on a thread of its own."""

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        async def end():
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def add(self, target):
        link = Link(self, target)
        asyncio.run_coroutine_threadsafe(link._start(), self._loop).result(10)
        return link
