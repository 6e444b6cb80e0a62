#!/usr/bin/env python3
"""The official conformance suite against mcpd in front of the fixtures here, and the official clients.

	run.py			a TAP line for each scenario that a revision requires
	run.py --results	the same, and writes RESULTS.md

`npm ci` in this folder (or in a copy of it in the build tree) installs the suite. Without it everything
is skipped, unless MCPD_TEST_REQUIRE=node. Nothing is tried twice.
"""

import glob
import os
import sys

SOURCE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(SOURCE, "..", "integration"))
from harness import *

COPY = os.path.join(BUILD, "tests", "conformance")
REQUIRED = "node" in os.environ.get("MCPD_TEST_REQUIRE", "").split(",")
FILES = ("package.json", "package-lock.json", ".npmrc", "fixture.mjs", "legacy-server.mjs",
         "modern-client.mjs")
REVISIONS = {"2025-11-25": 30, "2026-07-28": 37}  # and how many scenarios each requires
BACKENDS = {"legacy stdio": "legacy-server.mjs"}
# What a backend cannot do whoever relays it, and why.
CANNOT = {("legacy stdio", "2026-07-28", "input-required-result-basic-elicitation"):
          "wants a key of its own for the question, which only a modern server can choose"}
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


def suite(d, folder, node, path, revision):
    """Runs what REVISION requires: {scenario: whether it passed}, and what was printed."""
    with tempfile.TemporaryDirectory(prefix="mcpd-test-") as out:
        p = subprocess.run([node, os.path.join(folder, "node_modules", ".bin", "conformance"), "server",
                            "--url", "http://%s:%d%s" % (d.addr + (path,)), "--requirements", revision,
                            "-o", out], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=SUITE_SECONDS)
    text = p.stdout.decode("utf-8", "replace")
    found = dict((name, mark == "✓") for mark, name in
                 re.findall(r"^(✓|✗) ([\w-]+): \d+ passed, \d+ failed", text, re.M))
    for name in re.findall(r"^  (?:✓|✗) ([\w-]+) \([\w-]+\)$", text, re.M):
        found.pop(name, None)  # not scored
    return found, text


class Tap:
    n = 0

    def line(self, good, text, why=None):
        self.n += 1
        print("%s %d - %s%s" % ("ok" if good else "not ok", self.n, text,
                                " # SKIP " + why if why else ""), flush=True)


def report(tap, backend, revision, found, text):
    bad = False
    for name, good in found.items():
        why = CANNOT.get((backend, revision, name))
        skip = why if why and not good else None
        bad |= not good and not skip
        tap.line(good or bool(skip), "%s, %s: %s" % (revision, backend, name), skip)
    complete = len(found) == REVISIONS[revision]
    tap.line(complete, "%s, %s: %d required scenarios were run" % (revision, backend, len(found)))
    if bad or not complete:
        diagnose("\n".join(text.splitlines()[-400:]))


def table(results):
    text = "# The official conformance suite, scenario by backend\n\nWritten by `run.py --results`: " \
           "`@modelcontextprotocol/conformance` 0.2.0-alpha.12,\n`server --requirements REVISION`, " \
           "against mcpd in front of each kind of backend.\n"
    for revision in REVISIONS:
        columns = [b for b in BACKENDS if (b, revision) in results]
        text += "\n## %s\n\n| scenario | %s |\n|---|%s\n" % (
            revision, " | ".join(columns), "---|" * len(columns))
        for name in results[(columns[0], revision)]:
            text += "| %s | %s |\n" % (name, " | ".join(
                "pass" if results[(b, revision)].get(name) else "fail" for b in columns))
        text += "| **passed** | %s |\n" % " | ".join(
            "%d of %d" % (sum(results[(b, revision)].values()), REVISIONS[revision]) for b in columns)
    text += "\n## What fails, and why\n\n"
    for (backend, revision, name), why in CANNOT.items():
        text += "- `%s` (%s, %s): %s.\n" % (name, revision, backend, why)
    with open(os.path.join(SOURCE, "RESULTS.md"), "w") as f:
        f.write(text)


def official_client(d, folder, node, path):
    p = subprocess.run([node, os.path.join(folder, "modern-client.mjs"),
                        "http://%s:%d%s" % (d.addr + (path,))], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
    text = p.stdout.decode("utf-8", "replace")
    if text != "ok\n":
        diagnose(text)
    return text == "ok\n"


def main():
    folder = install()
    node = find_node(folder) if folder else None
    if node is None:
        why = "no Node 22" if folder else "no node_modules in tests/conformance (npm ci)"
        print("1..1\nnot ok 1 - %s" % why if REQUIRED else "1..0 # SKIP " + why)
        return
    servers = {name.replace(" ", "-"): {"command": node, "args": [os.path.join(folder, script)]}
               for name, script in BACKENDS.items()}
    tap, results = Tap(), {}
    with Daemon(servers) as d:
        for backend in BACKENDS:
            path = "/mcp/" + backend.replace(" ", "-")
            warm(d, path)
            for revision in REVISIONS:
                found, text = suite(d, folder, node, path, revision)
                results[(backend, revision)] = found
                report(tap, backend, revision, found, text)
            tap.line(official_client(d, folder, node, path),
                     "official 2026-07-28 client, %s: elicits and samples" % backend)
    tap.line(True, "the daemon ends well after all this")
    print("1..%d" % tap.n)
    if "--results" in sys.argv:
        table(results)


if __name__ == "__main__":
    main()
