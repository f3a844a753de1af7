"""The job about invoices on real processes, against the plain reference program, with the daemon killed. The invoices are made up here, with
cancellations, lines without a customer, lines that cost nothing, codes that are no articles, and lines that come twice."""

import json
import random
import unittest
from decimal import Decimal

import baskets_reference
from applications import JOBS, assert_same_rows, assert_sound, produce, table, values, wait_until_read
from event_time import MINUTE, to_millis, to_text
from leat_process import Broker

SEED = 7
ARTICLES = [f"{20000 + i}{'B' if i % 7 == 0 else ''}" for i in range(60)] + ["POST", "M"]


def invoice_lines():
    rng = random.Random(SEED)
    now, lines = to_millis("2024-01-01 09:00:00"), []
    for number in range(300):
        now += rng.randrange(4) * MINUTE
        cancelled = rng.random() < 0.05
        customer = "" if rng.random() < 0.2 else f"{rng.randrange(17000, 17040)}.0"
        codes = rng.sample(ARTICLES, rng.randrange(1, 8)) + (["22865", "22866"] if number % 5 == 0 else [])
        for code in codes + codes[:rng.random() < 0.2]:
            quantity = rng.randrange(1, 20) * (-1 if cancelled else 1)
            price = "0.0" if rng.random() < 0.03 else f"{rng.randrange(1, 9000) / 1000}"
            lines.append({"InvoiceNo": f"{'C' if cancelled else ''}{536365 + number}", "StockCode": code, "Description": "",
                          "Quantity": str(quantity), "InvoiceDate": to_text(now), "UnitPrice": price, "CustomerID": customer,
                          "Country": "United Kingdom"})
    # A day later: with it every minute and every visit is over.
    return lines + [{**lines[-1], "InvoiceNo": "last", "InvoiceDate": "2024-01-03 00:00:00"}]


def with_amounts(rows):
    return [{name: f"{Decimal(str(value)):.3f}" if name in ("net", "gross") else value for name, value in row.items()} for row in rows]


class Baskets(unittest.TestCase):
    def test_made_up_invoices_with_the_daemon_killed_three_times(self):
        lines = invoice_lines()
        broken = [{**lines[0], "Quantity": "many"}, {**lines[0], "InvoiceDate": "today"}]
        with Broker() as broker:
            broker.leat("topic", "create", "invoices", "--partitions", "1")
            broker.leat("job", "submit", str(JOBS / "baskets.sql"))
            produce(broker, "invoices", [json.dumps(line) + "\n" for line in lines[:9] + broken + lines[9:]], kills=3)
            wait_until_read(broker, "baskets", "invoices")
            assert_sound(self, broker, "baskets", len(broken))
            expected = baskets_reference.outputs(lines)
            assert_same_rows(self, "bought-together", table(broker, "bought-together"), expected["bought-together"])
            for topic in ("sales-minutes", "customer-visits"):
                self.assertGreater(len(expected[topic]), 10)
                assert_same_rows(self, topic, with_amounts(values(broker, topic)), expected[topic])
            most = max(expected["bought-together"], key=lambda row: row["baskets"])
            self.assertEqual((most["article"], most["other"]), ("22865", "22866"))


if __name__ == "__main__":
    unittest.main()
