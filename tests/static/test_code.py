#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Holds the C sources to the rules of HACKING.md: layers, who may touch what, sizes."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))

# The folders of daemon/, and what each may include besides itself and lib/. The folder "" is daemon/ itself, which may
# include everything. control may include
# base and process as well: it is a server of its own, with queues of times, and judges who is at its socket.
ROOMS = {
    "base": set(),
    "text": {"base"},
    "config": {"base", "text"},
    "http": {"base", "config", "text"},
    "mcp": {"base", "config", "text"},
    "process": {"base"},
    "store": {"base", "config"},
    "auth": {"base", "config", "http", "mcp", "store", "text"},
    "credentials": {"auth", "base", "config", "http", "store", "text"},
    "client": {"base", "config", "credentials", "http", "mcp", "text"},
    "backend": {"base", "client", "config", "credentials", "http", "mcp", "process", "text"},
    "server": {"auth", "backend", "base", "config", "mcp"},
    "legacy": {"auth", "base", "config", "http", "mcp", "server", "store"},
    "modern": {"backend", "base", "config", "http", "mcp", "server", "text"},
    "control": {"auth", "backend", "base", "config", "legacy", "mcp", "process", "store"},
}
ROOMS[""] = set(ROOMS)

# Only these files may use it.
ALONE = {
    r"#include <(event2/http|evhttp)": r"daemon/http/(httpd|exchange|framing|gate|connections)\w*\.[ch]",
    r"#include <curl/": r"daemon/(http/httpc\w*|text/url)\.c",
    r"#include <openssl/": r"(daemon/base/seal|lib/digest)\.c",
    r"#include <jose/": r"daemon/auth/jwt\.c",
    r"\b(fork|vfork|waitpid|waitid|wait4|posix_spawnp?)\(": r"(daemon/(process/child(ren)?\w*|detach)|cli/configcheck)\.c",
    r"#include <sqlite3": r"daemon/store/store_sql\.c",
    r"#include <readline/": r"cli/(shell|complete)\w*\.[ch]",
    r"__NR_landlock": r"daemon/process/sandbox_landlock\.c",
    r"\bjson_(deep_)?copy\(": r"lib/jsonrpc\.[ch]",
    r"\b(system|popen)\(": r"",
    r"\b(sprintf|gets|strtok)\(": r"",
}

# Headers with the insides of a struct, and the files of their room that may include them: the others use accessors.
INSIDES = {
    "daemon/server/server_request.h": r"daemon/server/(request|server|server_followup|server_tasks)\.c",
}

# Rings of calls inside a room that are there, with the reason; every file of a ring is named. No other ring may appear, and
# one that is gone must go from here.
RINGS = {}

# What a file exports and no other file of the programs uses, with the reason. Everything else without a user outside of
# its own file is static, or goes; one that has a user again must go from here.
FOR_TESTS = {
    "backoff_second_ms": "tests make the second shorter",
    "call_id": "tests look for the number in the log",
    "cgroups_folder": "tests look into the folder",
    "cgroups_waiting": "tests see that nothing waits any more",
    "child_backlog": "tests see how much waits for the child",
    "config_keys": "tests/static/test_config_docs.py compares the tables with the manual",
    "config_exec_keys": "as config_keys",
    "config_sandbox_keys": "as config_keys",
    "config_stdio_keys": "as config_keys",
    "config_tool_keys": "as config_keys",
    "config_parse": "tests read configurations that are in no file",
    "ctlclient_attach": "tests are the other end of the connection",
    "environ_get": "tests look at the environment that was made",
    "httpd_connections": "tests see that a connection is gone",
    "httpd_listen_fd": "tests hand over what is no listening socket",
    "logout_syslog_path": "tests are the system log",
    "offer_with": "tests make offers that differ",
    "pace_ms": "tests make the second shorter",
    "sandbox_builds": "tests see what is built once",
    "schema_work": "tests count what a check costs",
    "share_used": "tests see that every place was given back",
    "ssereader_last_id": "tests see what the reader keeps for the next connection",
    "store_set_retry": "tests do not wait for the next attempt",
    "transport_has_get": "tests see whether a stream is there",
    "turns_ended": "tests end turns that have not been",
    "url_same_origin": "tests compare pairs that no redirect has",
    "users_sweep": "tests do not wait for the minute",
}

LONGEST_FUNCTION = 45
MEDIAN_FUNCTION = 11
LONGEST_HEADER = 165
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


def room(name):
    """Of "daemon/ROOM/part.c" its ROOM, "" for daemon/ itself; None outside of daemon/."""
    parts = name.split("/")
    return None if parts[0] != "daemon" else parts[1] if len(parts) > 2 else ""


def includes(name):
    """What NAME includes of ours: paths of files, or the text of an include that leads to none."""
    for header in re.findall(r'^#include "([^"]+)"', FILES[name], flags=re.M):
        found = [f for f in (header, f"daemon/{header}") if f in FILES]
        if found:
            yield found[0]
        elif header != "autoconf.h":
            yield header


def may_include(name, header):
    if header not in FILES:
        return False
    folder, to = name.split("/")[0], header.split("/")[0]
    if to == "lib" or room(name) is None:
        return to in ("lib", folder)
    return to == "daemon" and room(header) in ROOMS[room(name)] | {room(name)}


def check_rooms():
    rooms = {room(name) for name in FILES if room(name) is not None}
    result(rooms == set(ROOMS), "the folders of daemon/ are those of the table", rooms ^ set(ROOMS))
    faults = [f"{name} includes {h}" for name in FILES for h in includes(name) if not may_include(name, h)]
    result(not faults, "every include names its folder, and is one that the table allows", faults)
    for inside, who in INSIDES.items():
        faults = [name for name in FILES if inside in includes(name) and not re.fullmatch(who, name)]
        result(inside in FILES and not faults, f"{inside} is included only where it may be", faults)
    stems = {}
    for name in FILES:
        if not name.endswith("/main.c"):
            stems.setdefault(Path(name).name, []).append(name)
    result(all(len(names) == 1 for names in stems.values()), "no two files have the same name",
           [" and ".join(names) for names in stems.values() if len(names) > 1])
    loose = [name for name in FILES if room(name) == "" and name.endswith(".c")]
    result(len(loose) <= 10, "at most ten .c files lie in daemon/ itself", loose)
    for one in sorted(ROOMS):
        faults = [two for two in ROOMS[one] if one in ROOMS[two]]
        result(not faults, f"{one or 'daemon'} is no part of a ring of rooms", faults)


def module(name):
    """A part is NAME.h, NAME.c and its insides: what begins with NAME_ or includes NAME_impl.h."""
    folder, stem = os.path.split(name)[0], Path(name).stem
    inside = re.search(r'^#include "(?:\w+/)?(\w+)_impl\.h"', FILES.get(f"{folder}/{stem}.c", ""), re.M)
    if inside:
        return inside[1]
    words = stem.split("_")
    for n in range(1, len(words)):
        if f"{folder}/{'_'.join(words[:n])}.h" in FILES:
            return "_".join(words[:n])
    return stem


def graph():
    edges = {}
    for name in FILES:
        to = edges.setdefault(module(name), {})
        for header in includes(name):
            if header in FILES and module(header) != module(name):
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


def check_parts():
    edges = graph()
    faults = [
        f"{one} includes itself: " + " -> ".join([one] + reach(edges, two)[one])
        for one in sorted(edges)
        for two in edges[one]
        if one in reach(edges, two)
    ]
    result(not faults, "no part includes itself, not even through others", faults)


BUILD = Path(os.environ.get("top_builddir", "build"))


def unused():
    """What one object of the programs defines and no other one uses: NAME of the symbol, and the source file."""
    paths = {Path(name).stem: name for name in FILES if name.endswith(".c") and Path(name).stem != "main"}
    archives = [BUILD / name for name in ("daemon/libmcpd.a", "lib/libmcpd-shared.a", "cli/libmcpctl.a")]
    mains = [BUILD / name for name in ("daemon/mcpd-main.o", "cli/mcpctl-main.o")]
    defined, users = {}, {}
    for line in subprocess.run(["nm", "-A", *archives, *mains], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        m = re.match(r".*?(?:_a-|/)(\w+-main|\w+)\.o:\s*[0-9a-f]* (\w) (\S+)$", line)
        if not m or m[1] not in paths and not m[1].endswith("-main"):
            continue  # no symbol, or the object of a file that is gone, which stays in the archive
        if m[2] in "TDBRC" and m[1] in paths and not m[3].startswith("__"):  # which sanitizers add
            defined[m[3]] = paths[m[1]]
        elif m[2] == "U":
            users.setdefault(m[3], set()).add(m[1])
    return {symbol: name for symbol, name in defined.items() if not users.get(symbol)}


def check_exports():
    found = unused()
    faults = [f"{name}: {symbol}" for symbol, name in sorted(found.items()) if symbol not in FOR_TESTS]
    result(not faults, "what is exported is used by another file, or in the table", faults)
    faults = [symbol for symbol in FOR_TESTS if symbol not in found]
    result(not faults, "what the table says of exports is so", faults)
    text = "".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "tests").rglob("*.[ch]")))
    faults = [symbol for symbol in FOR_TESTS if not re.search(rf"\b{symbol}\b", text)]
    result(not faults, "the tests use what is exported for them", faults)


def calls():
    """Which file of daemon/ calls (or names) what is defined in which other, from the objects in libmcpd.a."""
    paths = {Path(name).stem: name for name in FILES if room(name) is not None and name.endswith(".c")}
    defined, wanted = {}, {}
    for line in subprocess.run(["nm", "-A", BUILD / "daemon" / "libmcpd.a"], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        m = re.match(r".*:libmcpd_a-(\w+)\.o:\s*[0-9a-f]* (\w) (\S+)$", line)
        if not m or m[1] not in paths:
            continue  # no symbol, or the object of a file that is gone, which stays in the archive
        if m[2] in "TDBRC":
            defined[m[3]] = paths[m[1]]
        elif m[2] == "U":
            wanted.setdefault(paths[m[1]], set()).add(m[3])
    return {
        name: {defined[s] for s in wanted.get(name, ()) if s in defined and defined[s] != name}
        for name in paths.values()
    }


def rings(edges):
    """The sets of files that reach each other."""
    seen = {}
    for one in edges:
        todo, seen[one] = [one], set()
        while todo:
            for two in edges.get(todo.pop(), ()):
                if two not in seen[one]:
                    seen[one].add(two)
                    todo.append(two)
    return {frozenset(b for b in seen[a] if a in seen.get(b, ())) for a in edges if a in seen[a]}


def check_calls():
    edges = calls()
    result(len(edges) > 100, "the objects of the daemon are found")
    faults = [
        f"{one} calls {two}"
        for one in sorted(edges)
        for two in sorted(edges[one])
        if room(two) not in ROOMS[room(one)] | {room(one)}
    ]
    result(not faults, "no file calls what its room may not know", faults)
    there = rings(edges)
    known = {frozenset(files.split()) for files in RINGS}
    show = lambda sets: [", ".join(sorted(ring)) for ring in sets]
    result(there <= known, "there are no rings of calls but those in the table", show(there - known))
    result(known <= there, "the rings in the table are there", show(known - there))


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
    median = sizes[len(sizes) // 2]
    result(median <= MEDIAN_FUNCTION, f"half of all functions have at most {MEDIAN_FUNCTION} lines", [f"{median} lines"])
    faults = [f"{n}: {fn}() has {size} lines" for n, fn, size in found if size > LONGEST_FUNCTION]
    result(not faults, f"no function is longer than {LONGEST_FUNCTION} lines", faults)
    faults = [
        f"{name}: {text.count(chr(10))} lines"
        for name, text in FILES.items()
        if text.count("\n") > (LONGEST_HEADER if name.endswith(".h") else LONGEST_FILE)
    ]
    result(not faults, "no file is too long to be read", faults)


def check_licence():
    """Every source file says under which licence it is, in its first line or the one after "#!"."""
    line = "SPDX-License-Identifier: ISC"
    files = [p for d in ("lib", "daemon", "cli", "tests", "contrib") for e in ("c", "h", "py", "sh", "mk", "mjs")
             for p in sorted((ROOT / d).rglob(f"*.{e}")) if "node_modules" not in p.parts]
    faults = [str(p.relative_to(ROOT)) for p in files
              if line not in "".join(p.read_text(encoding="utf-8").splitlines(True)[:2])]
    result(len(files) > 300 and not faults, "every source file names its licence in its first lines", faults)


def check_switches():
    faults = [
        f"{name}: default case"
        for name, text in FILES.items()
        for _ in re.finditer(r"^\s*default:", text, flags=re.M)
    ]
    result(not faults, "no switch has a default case", faults)


check_rooms()
check_parts()
check_calls()
check_exports()
check_alone()
check_sizes()
check_switches()
check_licence()
print(f"1..{count}")
sys.exit(failed > 0)
