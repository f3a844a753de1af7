"""The page at the admin address in a real Chromium. Where it is not installed, this counts as skipped and says so."""

import json
import os
import pathlib
import sys
import unittest

from browser import Browser, missing
from leat_process import BIN, SOURCE, Broker

SKIPPED = 77
TAB, ENTER = "\ue004", "\ue007"

COUNTS = """
CREATE TABLE visits (page STRING, visitor STRING) WITH (
  'connector' = 'kafka', 'topic' = 'visits', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE pages (page STRING, visits BIGINT, PRIMARY KEY (page) NOT ENFORCED) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'pages', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO pages SELECT page, COUNT(*) FROM visits WHERE page IS NOT NULL GROUP BY page;
"""


def screenshots():
    """Where the pictures go that people look at."""
    folder = pathlib.Path(os.environ.get("LEAT_SCREENSHOTS", BIN.parent / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Page(unittest.TestCase):
    def counting(self, broker):
        """A job that counts visits of pages, and its output as a view."""
        broker.leat("topic", "create", "visits", "--partitions", "2")
        broker.leat("topic", "create", "pages", "--partitions", "2", "--config", "cleanup.policy=compact")
        broker.leat("view", "create", "pages")
        path = pathlib.Path(broker.directory, "counts.sql")
        path.write_text(COUNTS, encoding="utf-8")
        broker.leat("job", "submit", str(path))

    def visit(self, broker, *pages):
        lines = "".join(json.dumps({"page": page, "visitor": "ann"}) + "\n" for page in pages)
        broker.leat("produce", "visits", text_input=lines)

    def row(self, page, count):
        """An expression: the view's table has this row."""
        return ("[...document.querySelectorAll('#view tbody tr')].some((row) => row.cells[0].textContent === "
                f"{json.dumps(page)} && row.cells[2].textContent === '{count}')")

    def test_it_shows_the_cluster_jobs_topics_groups_and_a_view_live(self):
        with Broker() as broker, Browser() as browser:
            self.counting(broker)
            self.visit(broker, "home", "home", "cart")
            broker.leat("produce", "visits", text_input="no JSON\n")
            browser.open(f"http://{broker.admin}/")
            browser.until(self.row("home", 2))
            browser.until("document.getElementById('health').textContent === 'ready'")
            self.visit(broker, "home", "news")
            browser.until(self.row("home", 3), "the view follows its topic")
            browser.until(self.row("news", 1))
            browser.until("document.querySelectorAll('#view svg .bar').length === 3")
            browser.until("/counts[^]*running[^]*Dead letters\\s+1/i.test(document.getElementById('job-list').innerText)")
            browser.until("document.getElementById('lag-table').innerText.includes('visits')")
            self.assertIn("pages", browser.text("#topic-table"))
            self.assertNotIn("__leat_changelog_counts", browser.text("#topic-table"))
            self.assertIn("leat dlq list counts", browser.text("#dead-table"))
            self.assertIn(broker.grpc, browser.text("#cluster-table"))
            browser.run("document.querySelector('#job-list summary').click();")
            browser.until("document.getElementById('job-list').innerText.includes('GroupAggregate#')")
            browser.until("document.querySelector('#job-list details').open", "it stays open")
            self.assertEqual(browser.console(), [])

    def test_text_of_strangers_stays_text(self):
        hostile = '<img src=x onerror="window.stolen=1">'
        script = "</script><script>window.stolen=1</script>"
        with Broker() as broker, Browser() as browser:
            self.counting(broker)
            self.visit(broker, hostile, script, "__proto__", "constructor")
            browser.open(f"http://{broker.admin}/")
            for page in (hostile, script, "__proto__", "constructor"):
                browser.until(self.row(page, 1))
            browser.until("document.querySelectorAll('#view svg .bar').length === 4")
            self.assertEqual(browser.run("return document.querySelectorAll('main img, main script').length;"), 0)
            self.assertIsNone(browser.run("return window.stolen === undefined ? null : window.stolen;"))
            self.assertEqual(browser.console(), [])

    def test_it_asks_nobody_else_and_runs_nothing_else(self):
        with Broker() as broker, Browser() as browser:
            browser.open(f"http://{broker.admin}/")
            browser.until("document.getElementById('cluster-table').innerText.includes('127.0.0.1')")
            asked = browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name);")
            self.assertEqual([url for url in asked if not url.startswith(f"http://{broker.admin}/")], [])
            browser.run("const script = document.createElement('script'); script.textContent = 'window.stolen = 1';"
                        "document.body.append(script);")
            self.assertIsNone(browser.run("return window.stolen === undefined ? null : window.stolen;"))
            self.assertIn("Content Security Policy", "".join(browser.console()))

    def test_it_says_that_the_daemon_is_gone_and_comes_back_by_itself(self):
        with Broker() as broker, Browser() as browser:
            self.counting(broker)
            self.visit(broker, "home")
            browser.open(f"http://{broker.admin}/")
            browser.until(self.row("home", 1))
            broker.kill()
            browser.until("!document.getElementById('banner').hidden")
            self.assertIn(f"leatd does not answer at {broker.admin}", browser.text("#banner"))
            self.assertEqual(browser.text("#health"), "not reachable")
            self.assertTrue(browser.run(f"return {self.row('home', 1)};"), "what was known stays")
            broker.start()
            browser.until("document.getElementById('banner').hidden && document.getElementById('health').textContent === 'ready'")
            self.visit(broker, "home", "home")
            browser.until(self.row("home", 3), "the view goes on")

    def test_the_keyboard_is_enough(self):
        with Broker() as broker, Browser() as browser:
            self.counting(broker)
            broker.leat("topic", "create", "words", "--partitions", "1", "--config", "cleanup.policy=compact")
            broker.leat("view", "create", "words")
            broker.leat("produce", "words", "--key-separator", ":", text_input="a:plain text\n")
            browser.open(f"http://{broker.admin}/")
            browser.until("document.querySelectorAll('#view-tabs button').length === 2")
            for _ in range(30):
                browser.press(TAB)
                if browser.run("return document.activeElement.textContent;") == "words":
                    break
            browser.press(ENTER)
            browser.until("document.querySelector('#view tbody td code')?.textContent === 'a'")
            self.assertIn("plain text", browser.text("#view"))
            self.assertEqual(browser.run("return document.activeElement.textContent;"), "words", "the focus stays")

    def test_pictures_of_a_dashboard(self):
        """For people: light and dark, with the figures of a real access log."""
        with Broker() as broker:
            for topic in ("access-log", "shop-events"):
                broker.leat("topic", "create", topic, "--partitions", "1")
            broker.leat("topic", "create", "web-top", "--partitions", "1", "--config", "cleanup.policy=compact")
            broker.leat("view", "create", "web-top")
            broker.leat("job", "submit", str(SOURCE / "config/jobs/dashboard.sql"))
            broker.leat("produce", "access-log", "--file", str(SOURCE / "config/data/access.log"))
            broker.leat("lag", "--group", "dashboard", "--topic", "access-log", "--wait", "--timeout", "60s")
            for dark in (False, True):
                with Browser(dark=dark) as browser:
                    browser.open(f"http://{broker.admin}/")
                    browser.until("document.querySelectorAll('#view svg .bar').length === 10")
                    self.assertIn("/favicon.ico", browser.run("return document.querySelector('#view svg').textContent;"),
                                  "a bar is named by what people call it, not by its key")
                    self.assertEqual(browser.run("return document.getElementById('metric').value;"), "requests")
                    browser.until("document.getElementById('job-list').innerText.includes('dashboard')")
                    browser.until("document.getElementById('cluster-table').innerText.includes('127.0.0.1')")
                    browser.screenshot(screenshots() / f"page-{'dark' if dark else 'light'}.png")
                    self.assertEqual(browser.console(), [])


if __name__ == "__main__":
    if missing():
        print(f"SKIPPED: the page is not tried in a browser here: {', '.join(missing())} not installed "
              "(tools/setup --all installs the Debian packages chromium and chromium-driver)", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
