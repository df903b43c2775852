#!/usr/bin/env python3
"""Looks at the pages of a report in headless Chromium, at three widths, light and dark.

    look.py INDEX.html OUT [--axe axe.min.js] [ADDRESS ...]

Writes a picture of each into OUT and says what is wrong: errors on the console, requests for anything that is not a file of the
report, pages wider than the window, texts that are cut off, and with axe-core (pip install axe-playwright-python has axe.min.js) violations of
accessibility. Exits with 1 if there is any. Without addresses it takes some of every kind from the report.
"""
import argparse, base64, json, os, shutil, subprocess, sys, tempfile, time


class Browser:
    """Chromium over its pipe: messages are JSON that ends with a zero byte."""

    def __init__(self):
        from_browser, to_us = os.pipe()
        to_browser, from_us = os.pipe()
        self.profile = tempfile.mkdtemp(prefix="look")
        chromium = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
        if not chromium:
            sys.exit("look.py needs Chromium")

        def pipes():
            # Through high numbers, because a pipe may have one of the numbers that they are to get.
            os.dup2(to_browser, 100)
            os.dup2(to_us, 101)
            os.dup2(100, 3)
            os.dup2(101, 4)

        self.process = subprocess.Popen(
            [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
             "--user-data-dir=" + self.profile, "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_us)
        os.close(to_browser)
        self.input, self.output, self.rest, self.count, self.events = from_browser, from_us, b"", 0, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(domain + ".enable")

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.input, 1 << 20)
            if not piece:
                sys.exit("Chromium has ended")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    session = None

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def run(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"{expression[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, address, width, dark):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        start = time.time()
        while time.time() - start < 30 and not self.run("!!(document.documentElement && document.documentElement.dataset.ready)"):
            time.sleep(0.02)
        return time.time() - start

    def picture(self, path, limit):
        # What is below the window is loaded late otherwise.
        self.run("Promise.all([...document.images].map((i) => { i.loading = 'eager'; return i.decode().catch(() => 0); })).then(() => 0)")
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], limit), "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


# Elements whose text does not fit them, and elements that stick out of the page.
CUT = """(() => {
  const bad = [];
  for (const e of document.querySelectorAll("main *, header *")) {
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (!box.width || e.closest(".scroll, .crop, .strip, .hidden, svg, dialog, #found")) continue;
    if (box.right > innerWidth + 1 || box.left < -1) bad.push("sticks out: " + e.tagName + "." + e.className + " " + e.textContent.slice(0, 40));
    if (["hidden", "clip"].includes(style.overflowX) && e.scrollWidth > e.clientWidth + 1 && e.textContent.trim()) bad.push("cut off: " + e.tagName + "." + e.className + " " + e.textContent.slice(0, 40));
  }
  return bad.slice(0, 8);
})()"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("index")
    parser.add_argument("out")
    parser.add_argument("addresses", nargs="*")
    parser.add_argument("--axe")
    parser.add_argument("--widths", default="390,820,1440")
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--limit", type=int, default=3000, help="height of pictures")
    options = parser.parse_intermixed_args()
    os.makedirs(options.out, exist_ok=True)
    index = "file://" + os.path.abspath(options.index)
    axe = open(options.axe).read() if options.axe else None
    browser, problems = Browser(), 0
    addresses = options.addresses
    if not addresses:
        browser.open(index, 1440, False)
        links = browser.run("[...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.getAttribute('href').slice(1))")
        addresses = ["model", "images", "classes", "channels", "confusions", "about"]
        for kind in ["image", "channel", "class"]:
            addresses += [a for a in dict.fromkeys(links) if a.startswith(kind + "-")][:2]
    for address in addresses:
        for width in map(int, options.widths.split(",")):
            for theme in options.themes.split(","):
                seconds = browser.open(index + "#" + address, width, theme == "dark")
                name = f"{address.replace('/', '_')}-{width}-{theme}.png"
                browser.picture(os.path.join(options.out, name), options.limit)
                found = list(browser.run(CUT))
                heading = browser.run("(document.querySelector('h1') || {textContent: 'no heading'}).textContent")
                if heading in ("no heading", "Not here", "This cannot be shown", "This report cannot be read"):
                    found.append(heading + ": " + browser.run("document.querySelector('main').textContent")[:200])
                wide = browser.run("document.documentElement.scrollWidth")
                if wide > width:
                    found.append(f"{wide} pixels wide")
                for event in browser.events:
                    parameters = event.get("params", {})
                    if event.get("method") == "Runtime.exceptionThrown":
                        found.append("exception: " + json.dumps(parameters["exceptionDetails"])[:300])
                    if event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
                        found.append("console: " + json.dumps(parameters["args"])[:300])
                    if event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                        found.append("log: " + parameters["entry"]["text"][:300])
                    if event.get("method") == "Network.requestWillBeSent":
                        url = parameters["request"]["url"]
                        if not url.startswith(("file:", "data:", "about:")):
                            found.append("request: " + url[:200])
                if axe:
                    # The page's own policy lets no other script in; the debugger's is not the page's.
                    browser.run(axe + "; 0")
                    result = browser.run(
                        "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.length + ' x ' + v.nodes[0].html.slice(0, 160) + ' | ' + v.nodes[0].failureSummary.slice(0, 300)))")
                    found += ["axe " + line for line in result]
                print(f"{name}: {seconds:.2f} s" + "".join("\n    " + line for line in found), flush=True)
                problems += len(found)
    browser.close()
    print(f"{problems} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
