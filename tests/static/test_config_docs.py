#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mcpd.conf(5) has every key with its default, and no others; the example configurations are good."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))
BUILD = Path(os.environ.get("top_builddir", "."))
MCPD = os.environ.get("MCPD", str(BUILD / "mcpd"))
PAGE = ROOT / "man" / "mcpd.conf.5.in"

# Where the page describes which table.
SECTIONS = {
    "file": "The file",
    "sessions": "Sessions",
    "limits": "Limits",
    "store": "Store",
    "auth": "Authentication",
    "log": "Log",
    "stdio": "Servers that speak over stdio",
    "exec": "Commands as tools",
    "tool": "Tools",
    "web": "Web endpoints",
    "sandbox": "Sandbox",
    "resources": "Resources",
    "credential": "Credentials",
}

count = 0
failed = 0


def result(good, name, fault=""):
    global count, failed
    count += 1
    failed += not good
    if fault and not good:
        print("# " + fault.rstrip().replace("\n", "\n# "))
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


def known_keys():
    """{table: {key: default}} as the daemon has them."""
    program = BUILD / "tests" / "static" / "config_keys"
    keys = {table: {} for table in SECTIONS}
    for line in subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines():
        table, key, default = line.split("\t")
        keys[table][key] = default
    return keys


def documented_keys():
    """{section: {key: what stands in the parentheses after it}} as the page has them."""
    keys, section = {}, None
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith((".Sh ", ".Ss ")):
            section = line[4:]
            keys[section] = {}
        item = re.match(r"\.It Ic (\w+(?: , \w+)*)(?: Pq (.*))?$", line)
        if item:
            for key in item[1].split(" , "):
                keys[section][key] = (item[2] or "").replace(" Li ", " ")
    return keys


def check_page():
    documented = documented_keys()
    for table, keys in known_keys().items():
        section = SECTIONS[table]
        there = documented.get(section, {})
        for key, default in keys.items():
            result(key in there, f"{section}: {key} is documented")
            if default != "-":
                what = there.get(key, "")
                result(
                    what.endswith(f", default {default}"),
                    f"{section}: the default of {key} is {default}",
                    f"the page says: {what}",
                )
        for key in there:
            result(key in keys, f"{section}: {key} exists")


def mcpd(path):
    return subprocess.run([MCPD, "-n", "-c", path], capture_output=True, text=True)


def check_file(path, name):
    first = mcpd(path)
    result(first.returncode == 0, f"{name} is good", first.stderr)
    if first.returncode:
        return
    again = BUILD / "tests" / "static" / "effective.json"
    again.write_text(first.stdout, encoding="utf-8")
    second = mcpd(again)
    again.unlink()
    result(second.stdout == first.stdout, f"{name}: what mcpd -n prints means the same", second.stderr)


def check_page_examples():
    """The literal examples of the page are JSON, or the members of an object."""
    text = PAGE.read_text(encoding="utf-8")
    examples = text[text.index("\n.Sh EXAMPLES\n") :]
    for n, block in enumerate(re.findall(r"\.Bd -literal[^\n]*\n(.*?)\.Ed", examples, flags=re.S), 1):
        block = block.replace("\\e", "\\")
        try:
            json.loads(block if block.startswith("{") else "{" + block + "}")
            result(True, f"example {n} of the page is JSON")
        except ValueError as fault:
            result(False, f"example {n} of the page is JSON", str(fault))


def whole_files(path):
    """The configurations in a document: the blocks of code that begin with a brace of their own line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".in":
        return re.findall(r"\.Bd -literal[^\n]*\n(\{\n.*?)\.Ed", text, flags=re.S)
    return re.findall(r"^    \{\n(?:     [^\n]*\n)*    \}\n", text, flags=re.M)


def check_whole_files():
    """Whole configurations start on a bare machine; on one without npx, those with npx are left out."""
    for path in [ROOT / "README.md", *sorted((ROOT / "man").glob("*.in"))]:
        for n, block in enumerate(whole_files(path), 1):
            if '"npx"' in block or "/usr/local/bin" in block:
                continue
            file = BUILD / "tests" / "static" / "document.json"
            file.write_text(block, encoding="utf-8")
            run = mcpd(file)
            file.unlink()
            result(run.returncode == 0, f"{path.name}: configuration {n} is good", run.stderr)
    result(len(whole_files(ROOT / "README.md")) > 0, "README.md has a whole configuration")


check_page()
check_page_examples()
check_whole_files()
for file in sorted((ROOT / "contrib" / "examples").glob("*.json")):
    check_file(file, file.name)
print(f"1..{count}")
sys.exit(failed > 0)
