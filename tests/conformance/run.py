#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The official conformance suite against mcpd in front of the fixtures here, and the official clients.

	run.py			a TAP line for each scenario that a revision requires, behind each backend
	run.py --results	the same, and writes RESULTS.md
	run.py --relays		what relays make of the same server: writes relays.json, which RESULTS.md
				repeats; needs `npm ci` in tests/bench

`npm ci` in this folder (or in a copy of it in the build tree) installs the suite. Without it everything
is skipped, unless MCPD_TEST_REQUIRE=node. Nothing is tried twice, and no failure is expected.
"""

import glob
import os
import sys

SOURCE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(SOURCE, "..", "integration"))
from harness import *

COPY = os.path.join(BUILD, "tests", "conformance")
BENCH = os.path.join(SOURCE, "..", "bench")
RELAYS = os.path.join(SOURCE, "relays.json")
REQUIRED = "node" in os.environ.get("MCPD_TEST_REQUIRE", "").split(",")
FILES = ("package.json", "package-lock.json", ".npmrc", "fixture.mjs", "legacy-server.mjs",
         "modern-server.mjs", "modern-client.mjs", "legacy-client.mjs")
REVISIONS = {"2025-11-25": 30, "2026-07-28": 37}  # and how many scenarios each requires
# The column of the table: the fixture, and whether it is an HTTP upstream.
BACKENDS = {"legacy stdio": ("legacy-server.mjs", False), "legacy http": ("legacy-server.mjs", True),
            "modern stdio": ("modern-server.mjs", False), "modern http": ("modern-server.mjs", True)}
# What a backend cannot do whoever relays it: how the suite says so (the only thing that it may find),
# and why.
UNNAMED = 'inputRequests missing expected key "user_name"'
CANNOT = {(backend, "2026-07-28", "input-required-result-basic-elicitation"): UNNAMED
          for backend in ("legacy stdio", "legacy http")}
BECAUSE = {UNNAMED: "wants a key of its own for the question, which only a modern server can choose"}
CAPABILITIES = ({}, {"sampling": {}}, {"elicitation": {}}, {"roots": {}},
                {"elicitation": {}, "sampling": {}, "roots": {}})
META = "io.modelcontextprotocol/"
SUITE_SECONDS = 600


def install():
    """The folder with complete node_modules; None where there is none."""
    for folder in (SOURCE, COPY):
        if os.path.exists(os.path.join(folder, "node_modules", ".package-lock.json")):
            if folder != SOURCE:
                copy()
            return folder
    if not REQUIRED:
        return None
    copy()
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=COPY, check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return COPY


def copy():
    os.makedirs(COPY, exist_ok=True)
    for name in FILES:
        shutil.copy(os.path.join(SOURCE, name), COPY)


def find_node(folder):
    """A Node of version 22 or newer, or None."""
    own = glob.glob(os.path.join(folder, "node_modules", "node-linux-*", "bin", "node"))
    for program in own + [p for p in [shutil.which("node")] if p]:
        try:
            out = subprocess.run([program, "--version"], stdout=subprocess.PIPE, timeout=TIMEOUT).stdout
            if int(out.decode().strip().lstrip("v").split(".")[0]) >= 22:
                return program
        except (OSError, ValueError, subprocess.TimeoutExpired):
            pass
    return None


def warm(d, path):
    """A call for each set of capabilities: the suite allows a server less time to answer a question
    than a child may need to start."""
    for caps in CAPABILITIES:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "test_simple_text", "arguments": {},
            "_meta": {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": caps}}}
        reply = d.http("POST", path, [
            ("Content-Type", "application/json"), ("Accept", BOTH), ("Mcp-Method", "tools/call"),
            ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Name", "test_simple_text")], json.dumps(body))
        equal(reply.status, 200, "status of a first call")


class Outcome:
    """What the suite says of one server and revision."""

    def __init__(self, text, folder):
        self.text = text
        self.scored = dict((name, mark == "✓") for mark, name in
                           re.findall(r"^(✓|✗) ([\w-]+): \d+ passed, \d+ failed", text, re.M))
        self.others = {}
        for mark, name, why in re.findall(r"^  (✓|✗) ([\w-]+) \(([\w-]+)\)$", text, re.M):
            self.scored.pop(name, None)
            if why != "extension":
                self.others[name] = mark == "✓"
        self.complaints = {name: complaints(folder, name) for name, good in self.scored.items()
                           if not good}

    def passed(self):
        return sum(self.scored.values())


def complaints(folder, scenario):
    """What is wrong with SCENARIO, in the suite's words."""
    found = []
    for path in glob.glob(os.path.join(folder, "server-%s-*" % scenario, "checks.json")):
        with open(path) as f:
            found += [c.get("errorMessage") for c in json.load(f) if c["status"] == "FAILURE"]
    return found


def suite(url, folder, node, revision):
    """Runs what REVISION requires."""
    with tempfile.TemporaryDirectory(prefix="mcpd-test-") as out:
        p = subprocess.run([node, os.path.join(folder, "node_modules", ".bin", "conformance"), "server",
                            "--url", url, "--requirements", revision, "-o", out],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=SUITE_SECONDS)
        return Outcome(p.stdout.decode("utf-8", "replace"), out)


class Tap:
    n = 0

    def line(self, good, text, why=None):
        self.n += 1
        print("%s %d - %s%s" % ("ok" if good else "not ok", self.n, text,
                                " # SKIP " + why if why else ""), flush=True)


def report(tap, backend, revision, outcome):
    bad = False
    for name, good in outcome.scored.items():
        known = CANNOT.get((backend, revision, name))
        excused = not good and known is not None and outcome.complaints[name] == [known]
        bad |= not good and not excused
        tap.line(good or excused, "%s, %s: %s" % (revision, backend, name), BECAUSE[known] if excused else None)
    for name, good in outcome.others.items():
        bad |= not good
        tap.line(good, "%s, %s: %s (not scored)" % (revision, backend, name))
    complete = len(outcome.scored) == REVISIONS[revision]
    tap.line(complete, "%s, %s: %d required scenarios were run" % (revision, backend, len(outcome.scored)))
    if bad or not complete:
        diagnose("\n".join(outcome.text.splitlines()[-400:]))
        diagnose(json.dumps(outcome.complaints, indent=1))


def rows(columns, names, value):
    text = ""
    for name in names:
        text += "| %s | %s |\n" % (name, " | ".join(
            {True: "pass", False: "fail", None: "-"}[value(c, name)] for c in columns))
    return text


def table(results):
    """RESULTS.md. RESULTS: {(column, revision): ({scored}, {not scored})}."""
    text = "# The official conformance suite, scenario by backend\n\nWritten by `run.py --results`: " \
           "`@modelcontextprotocol/conformance` 0.2.0-alpha.12,\n`server --requirements REVISION`, " \
           "against mcpd in front of each kind of backend. The last columns\nare relays in front of " \
           "the legacy stdio server, measured by `run.py --relays`.\n"
    for revision, required in REVISIONS.items():
        columns = [c for c, r in results if r == revision]
        first = results[(columns[0], revision)]
        text += "\n## %s\n\n| scenario | %s |\n|---|%s\n" % (
            revision, " | ".join(columns), "---|" * len(columns))
        for i, names in enumerate((first[0], sorted(first[1]))):
            text += rows(columns, names, lambda c, name: results[(c, revision)][i].get(name))
            if i == 0:
                text += "| **passed** | %s |\n" % " | ".join("**%d of %d**" % (
                    sum(results[(c, revision)][0].values()), required) for c in columns)
        text += "\nBelow the sum: scenarios that are not scored.\n"
    text += "\n## What fails, and why\n\n"
    for (backend, revision, name), says in CANNOT.items():
        text += "- `%s` (%s, %s): %s.\n" % (name, revision, backend, BECAUSE[says])
    return text


def write_results(results):
    with open(RELAYS) as f:
        for row in json.load(f):
            results[(row["relay"], row["revision"])] = row["scored"], row["others"]
    text = table(results)
    print("\n".join("# " + line for line in text.split("\n")))
    with open(os.path.join(SOURCE, "RESULTS.md"), "w") as f:
        f.write(text)


def official_client(url, folder, node, script):
    p = subprocess.run([node, os.path.join(folder, script), url], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
    text = p.stdout.decode("utf-8", "replace")
    if text != "ok\n":
        diagnose(text)
    return text == "ok\n"


class Upstream:
    """A fixture that listens."""

    def __init__(self, node, script):
        self.proc = subprocess.Popen([node, script, "--http"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE,
                                     preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.url = self.proc.stdout.readline().decode().strip()

    def stop(self):
        self.proc.kill()
        self.proc.wait()


def servers(folder, node, upstreams):
    """The mcpServers of mcpd: one for each column."""
    found = {}
    for backend, (script, over_http) in BACKENDS.items():
        path = os.path.join(folder, script)
        if over_http:
            upstreams.append(Upstream(node, path))
            found[backend.replace(" ", "-")] = {"url": upstreams[-1].url}
        else:
            found[backend.replace(" ", "-")] = {"command": node, "args": [path]}
    return found


def through_mcpd(d, folder, node, tap):
    results = {}
    for backend in BACKENDS:
        path = "/mcp/" + backend.replace(" ", "-")
        url = "http://%s:%d%s" % (d.addr + (path,))
        warm(d, path)
        for revision in REVISIONS:
            outcome = suite(url, folder, node, revision)
            results[(backend, revision)] = outcome.scored, outcome.others
            report(tap, backend, revision, outcome)
        tap.line(official_client(url, folder, node, "modern-client.mjs"),
                 "official 2026-07-28 client, %s: elicits and samples" % backend)
        tap.line(official_client(url, folder, node, "legacy-client.mjs"),
                 "official 2025-11-25 client, %s: elicits and samples" % backend)
    return results


# How each relay is started in front of a command, on a port, and where it serves.
def relay_commands(folder, node):
    server = os.path.join(folder, "legacy-server.mjs")
    bin_ = lambda name: os.path.join(BENCH, "node_modules", ".bin", name)
    return {
        "supergateway 4.0.0": lambda port: [node, bin_("supergateway"), "--stdio", node + " " + server,
                                            "--outputTransport", "streamableHttp", "--stateful", "--port",
                                            str(port)],
        "mcp-proxy 6.7.19": lambda port: [node, bin_("mcp-proxy"), "--port", str(port), "--server", "stream",
                                          "--", node, server],
    }


def relays(folder, node):
    rows_ = []
    for name, command in relay_commands(folder, node).items():
        for revision, required in REVISIONS.items():
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            p = subprocess.Popen(command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
            wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), name)
            outcome = suite("http://127.0.0.1:%d/mcp" % port, folder, node, revision)
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            rows_.append({"relay": name, "revision": revision, "scored": outcome.scored,
                          "others": outcome.others})
            print("%s, %s: %d of %d" % (name, revision, outcome.passed(), required))
    with open(RELAYS, "w") as f:
        json.dump(rows_, f, indent=1)
        f.write("\n")


def main():
    folder = install()
    node = find_node(folder) if folder else None
    if node is None:
        why = "no Node 22" if folder else "no node_modules in tests/conformance (npm ci)"
        print("1..1\nnot ok 1 - %s" % why if REQUIRED else "1..0 # SKIP " + why)
        return
    if "--relays" in sys.argv:
        relays(folder, node)
        return
    tap, upstreams = Tap(), []
    with Daemon(servers(folder, node, upstreams)) as d:
        results = through_mcpd(d, folder, node, tap)
        for u in upstreams:
            u.stop()
    tap.line(True, "the daemon ends well after all this")
    if "--results" in sys.argv:
        write_results(results)
    print("1..%d" % tap.n)


if __name__ == "__main__":
    main()
