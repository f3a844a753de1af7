"""The proxy of a link: it carries, waits while it is cut, and ends what it severs."""

import socket
import threading
import unittest

from link import Links


class Echo:
    """Answers every connection with what it sends."""

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    @staticmethod
    def _echo(connection):
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data)


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.echo = self.enterContext(Echo())
        self.link = self.enterContext(Links()).add(self.echo.address)

    def connect(self):
        host, port = self.link.address.rsplit(":", 1)
        client = socket.create_connection((host, int(port)))
        client.settimeout(10)
        self.addCleanup(client.close)
        return client

    def nothing_comes(self, client, direction):
        while self.link.held(direction) == 0:  # until the byte waits in the proxy
            pass
        client.setblocking(False)
        with self.assertRaises(BlockingIOError):
            client.recv(1)
        client.settimeout(10)

    def test_carries_both_ways(self):
        client = self.connect()
        client.sendall(b"x" * 1000)
        got = b""
        while len(got) < 1000:
            got += client.recv(1000)

    def test_what_is_cut_comes_when_it_is_healed(self):
        for direction in ("to", "back"):
            client = self.connect()
            client.sendall(b"a")
            self.assertEqual(client.recv(1), b"a")
            self.link.cut(direction)
            client.sendall(b"b")
            self.nothing_comes(client, direction)
            self.link.heal()
            self.assertEqual(client.recv(1), b"b")

    def test_what_is_severed_ends(self):
        client = self.connect()
        client.sendall(b"a")
        self.assertEqual(client.recv(1), b"a")
        self.link.sever()
        with self.assertRaises((ConnectionError, AssertionError)):
            self.assertNotEqual(client.recv(1), b"")
        self.link.heal()
        again = self.connect()
        again.sendall(b"c")
        self.assertEqual(again.recv(1), b"c")


if __name__ == "__main__":
    unittest.main()
