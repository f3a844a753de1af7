"""The checker of histories: it says nothing of good ones, and names what is wrong in bad ones."""

import unittest

from history import Found, Outcome, Write, check


def write(number, outcome=Outcome.ACKNOWLEDGED, **more):
    return Write("p", number, more.pop("partition", 0), outcome, **more)


def found(number, offset, partition=0):
    return Found(partition, offset, f"p:{number}")


class HistoryTest(unittest.TestCase):
    def kinds(self, *arguments):
        return [line for line in check(*arguments).lines() if not line.startswith("  ")]

    def test_says_nothing_of_a_good_history(self):
        writes = [write(1, offset=0), write(2, Outcome.UNKNOWN), write(3, Outcome.FAILED), write(4), write(5, Outcome.UNKNOWN)]
        self.assertFalse(check(writes, [found(1, 0), found(2, 3), found(4, 9)]))

    def test_names_lost_doubled_and_moved_records(self):
        self.assertEqual(self.kinds([write(1)], []), ["an acknowledged record is lost: 1"])
        self.assertEqual(self.kinds([write(1)], [found(1, 0), found(1, 1)]), ["a record is there twice: 1"])
        self.assertEqual(self.kinds([write(1, offset=0)], [found(1, 1)]),
                         ["a record is at another offset than was acknowledged: 1"])
        self.assertEqual(self.kinds([write(1)], [found(1, 0, partition=1)]), ["a record in another partition: 1"])
        self.assertEqual(self.kinds([write(1), write(2)], [found(2, 0), found(1, 1)]),
                         ["a producer's records changed their order: 1"])

    def test_names_what_should_not_be_there(self):
        self.assertEqual(self.kinds([], [found(1, 0)]), ["a record that nobody wrote: 1"])
        self.assertEqual(self.kinds([write(1, Outcome.FAILED)], [found(1, 0)]), ["a failed write was found: 1"])
        self.assertEqual(self.kinds([write(1), write(2)], [found(1, 1), found(2, 1)]),
                         ["an offset was read twice or out of order: 1"])

    def test_transactions_are_there_whole_or_not_at_all(self):
        writes = [write(1, transaction="t"), write(2, transaction="t")]
        whole = [found(1, 0), found(2, 1)]
        self.assertFalse(check(writes, whole, {"t": True}))
        self.assertFalse(check(writes, [], {"t": False}))
        self.assertFalse(check(writes, []))
        self.assertFalse(check(writes, whole))
        self.assertEqual(self.kinds(writes, whole[:1]), ["a transaction is there in part: 1"])
        self.assertEqual(self.kinds(writes, whole[:1], {"t": True}), ["an acknowledged record is lost: 1"])
        self.assertEqual(self.kinds(writes, whole, {"t": False}), ["a record of an aborted transaction was read: 2"])


if __name__ == "__main__":
    unittest.main()
