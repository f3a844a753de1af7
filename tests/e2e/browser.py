"""A real Chromium without a window, driven by chromedriver's WebDriver protocol over HTTP."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

PROGRAMS = ("chromium", "chromedriver")


def missing():
    """Which of the programs that it takes are not here."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Browser:
    """One window. Use as a context manager."""

    def __init__(self, width=1280, height=1600, dark=False):
        self.width, self.height, self.dark = width, height, dark

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="leat-browser-")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            for line in self.driver.stdout:
                if "started successfully on port" in line:
                    self.address = f"http://127.0.0.1:{int(line.rstrip('.').split()[-1].rstrip('.'))}"
                    break
            else:
                raise RuntimeError("chromedriver ended before it had a port")
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                         "--disable-background-networking", "--disable-component-update", "--disable-extensions",
                         f"--user-data-dir={self.profile}", f"--window-size={self.width},{self.height}"]
            if self.dark:
                arguments.append("--blink-settings=preferredColorScheme=0")
            capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                                            "goog:loggingPrefs": {"browser": "ALL"}}}
            self.session = ""
            self.session = "/session/" + self.call("POST", "/session", {"capabilities": capabilities})["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if getattr(self, "session", ""):
                self.call("DELETE", "")
        except (OSError, RuntimeError):
            pass  # it is ended below
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=30)
            self.driver.stdout.close()
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.address + self.session + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")) from error

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What a function body of JavaScript returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, expression, what=None, patience=30):
        """Waits in the page until the expression is truthy and returns it."""
        script = """
            const [patience, done] = arguments, begun = Date.now();
            const look = () => {
              const value = (() => (EXPRESSION))();
              if (value || Date.now() - begun > patience) done(value); else requestAnimationFrame(look);
            };
            look();""".replace("EXPRESSION", expression)
        self.call("POST", "/timeouts", {"script": (patience + 20) * 1000})
        value = self.call("POST", "/execute/async", {"script": script, "args": [patience * 1000]})
        if not value:
            raise AssertionError(f"{what or expression}: not within {patience} s. The page says:\n{self.text()}\n{self.console()}")
        return value

    def text(self, selector="body"):
        return self.run("const node = document.querySelector(arguments[0]); return node ? node.innerText : '';", selector)

    def press(self, key):
        """A key, to whatever has the focus."""
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]})

    def console(self):
        """What the browser wrote to its console since this was asked last."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))
