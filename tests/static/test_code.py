#!/usr/bin/env python3
"""Holds the C sources to the rules of HACKING.md: layers, who may touch what, sizes."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))

# From top to bottom. A part never includes, not even through others, one that stands above it.
# What is not here may stand anywhere, as long as it leads no part up.
LAYERS = [
    ["main"],
    ["mcpd"],
    ["control", "endpoint"],
    ["legacy", "modern"],
    ["sessions", "session"],
    ["server", "transport"],
    ["view"],
    ["catalog", "backend"],
    ["call", "question", "exchange", "children"],
    ["sandbox"],
]

# Only these files may use it.
ALONE = {
    r"#include <(event2/http|evhttp)": r"daemon/(\w+/)?(httpd|exchange|framing|gate|connections)\w*\.[ch]",
    r"#include <curl/": r"daemon/(\w+/)?(httpc\w*|url)\.c",
    r"#include <openssl/": r"(daemon/(\w+/)?(seal|headervalue)\w*|lib/digest)\.c",
    r"#include <jose/": r"daemon/(\w+/)?jwt\.c",
    r"\b(fork|vfork|waitpid|waitid|wait4|posix_spawnp?)\(": r"(daemon/(\w+/)?(child(ren)?|detach)\w*|cli/configcheck)\.c",
    r"#include <sqlite3": r"daemon/(\w+/)?store_sql\.c",
    r"#include <readline/": r"cli/(shell|complete)\w*\.[ch]",
    r"__NR_landlock": r"daemon/(\w+/)?sandbox_landlock\.c",
    r"\b(system|popen)\(": r"",
    r"\b(sprintf|gets|strtok)\(": r"",
}

LONGEST_FUNCTION = 80
LONGEST_HEADER = 150
LONGEST_FILE = 600

count = 0
failed = 0


def result(good, name, faults=()):
    global count, failed
    count += 1
    failed += not good
    for fault in faults:
        print(f"# {fault}")
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


def sources():
    for folder in ("lib", "daemon", "cli"):
        yield from sorted((ROOT / folder).rglob("*.[ch]"))


def text_of(path):
    """The text without comments, and with the lines where they were."""
    text = path.read_text(encoding="utf-8")
    pattern = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/'
    return re.sub(
        pattern,
        lambda m: m[0] if m[0].startswith('"') else "\n" * m[0].count("\n"),
        text,
        flags=re.S,
    )


FILES = {str(p.relative_to(ROOT)): text_of(p) for p in sources()}


def includes(name):
    folder = name.split("/")[0]
    allowed = {"lib": ["lib"], "daemon": ["daemon", "lib"], "cli": ["cli", "lib"]}[folder]
    for header in re.findall(r'^#include "([^"]+)"', FILES[name], flags=re.M):
        for there in (n for n in FILES if n.split("/")[0] in allowed and n.endswith("/" + header)):
            yield there
            break
        else:
            if header not in ("autoconf.h",):
                yield None, header


def check_folders():
    faults = [
        f"{name} includes {header[1]}, which is not there for it"
        for name in FILES
        for header in includes(name)
        if isinstance(header, tuple)
    ]
    result(not faults, "lib, daemon and cli include what is theirs", faults)


def module(name):
    """A part is NAME.h, NAME.c and its insides: what begins with NAME_ or includes NAME_impl.h."""
    folder, stem = os.path.split(name)[0], Path(name).stem
    inside = re.search(r'^#include "(\w+)_impl\.h"', FILES.get(f"{folder}/{stem}.c", ""), re.M)
    if inside:
        return inside[1]
    words = stem.split("_")
    for n in range(1, len(words)):
        if any(f.endswith(f"/{'_'.join(words[:n])}.h") for f in FILES):
            return "_".join(words[:n])
    return stem


def graph():
    edges = {}
    for name in FILES:
        to = edges.setdefault(module(name), {})
        for header in includes(name):
            if isinstance(header, str) and module(header) != module(name):
                to.setdefault(module(header), name)
    return edges


def reach(edges, start):
    """Every part that START includes, with the way there."""
    ways = {start: [start]}
    queue = [start]
    while queue:
        at = queue.pop()
        for to in edges.get(at, {}):
            if to not in ways:
                ways[to] = ways[at] + [to]
                queue.append(to)
    return ways


def check_layers():
    edges = graph()
    level = {part: n for n, row in enumerate(LAYERS) for part in row}
    missing = [part for part in level if part not in edges]
    result(not missing, "the layers name parts that exist", missing)
    for part, own in level.items():
        faults = [
            "includes " + " -> ".join(way)
            for to, way in reach(edges, part).items()
            if level.get(to, own) < own
        ]
        result(not faults, f"{part} includes nothing above it", faults)
    faults = [
        f"{one} includes itself: " + " -> ".join([one] + reach(edges, two)[one])
        for one in sorted(edges)
        for two in edges[one]
        if one in reach(edges, two)
    ]
    result(not faults, "no part includes itself, not even through others", faults)


def check_alone():
    for pattern, who in ALONE.items():
        faults = [
            f"{name}: {m[0]}"
            for name, text in FILES.items()
            if not (who and re.fullmatch(who, name))
            for m in re.finditer(pattern, text)
        ]
        result(not faults, f"only {who or 'nobody'} has {pattern}".replace("#", r"\#"), faults)


def functions(text):
    """Name and number of lines of each function: the brace of its body is on a line of its own."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
            name = re.search(r"(\w+)\(", " ".join(lines[max(0, number - 3):number]))
        elif line.startswith("}") and start is not None:
            yield (name[1] if name else "?"), number - start - 1
            start = None


def check_sizes():
    found = [(n, fn, size) for n, t in FILES.items() for fn, size in functions(t)]
    result(len(found) > 100, "functions are found")
    sizes = sorted(size for _, _, size in found)
    print(f"# {len(sizes)} functions; 95 of 100 have at most {sizes[len(sizes) * 95 // 100]} lines")
    faults = [f"{n}: {fn}() has {size} lines" for n, fn, size in found if size > LONGEST_FUNCTION]
    result(not faults, f"no function is longer than {LONGEST_FUNCTION} lines", faults)
    faults = [
        f"{name}: {text.count(chr(10))} lines"
        for name, text in FILES.items()
        if text.count("\n") > (LONGEST_HEADER if name.endswith(".h") else LONGEST_FILE)
    ]
    result(not faults, "no file is too long to be read", faults)


def check_switches():
    faults = [
        f"{name}: default case"
        for name, text in FILES.items()
        for _ in re.finditer(r"^\s*default:", text, flags=re.M)
    ]
    result(not faults, "no switch has a default case", faults)


check_folders()
check_layers()
check_alone()
check_sizes()
check_switches()
print(f"1..{count}")
sys.exit(failed > 0)
