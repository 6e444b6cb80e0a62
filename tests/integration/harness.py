# SPDX-License-Identifier: ISC
"""What the integration tests share: the real mcpd, byte-exact HTTP, a small MCP client, TAP.

    from harness import *

    @case("a session answers ping")
    def _():
        with Daemon({"fake": fake()}) as d:
            assert Client(d).request("ping") == {}

    run()

A Daemon runs in a folder of its own on a port of its own, so that tests run side by side. Leaving
its "with" block ends it and checks the end: SIGTERM, exit status 0, the last line of the log, no
process left, no report of a sanitizer. Nothing sleeps: what is waited for is a line of the log, bytes
of a connection, or a state of /proc, and a generous watchdog ends a test that waits in vain.

Environment: MCPD, MCPCTL (programs under test), top_srcdir; MCPD_TEST_WRAPPER="valgrind ..." runs
mcpd under something; MCPD_TEST_TIMEOUT is the watchdog in seconds (120). Arguments of a test file choose
cases by a part of their names.
"""

import atexit
import ctypes
import faulthandler
import hashlib
import itertools
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from wire import *

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_srcdir", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("top_builddir", TOP)
MCPD = os.environ.get("MCPD", os.path.join(BUILD, "mcpd"))
MCPCTL = os.environ.get("MCPCTL", os.path.join(BUILD, "mcpctl"))
WRAPPER = shlex.split(os.environ.get("MCPD_TEST_WRAPPER", ""))
FAKE = os.path.join(HERE, "fakeserver.py")
TINY = os.path.join(HERE, "tinyserver.sh")

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)
# Whoever the daemon leaves behind comes to us, and is seen.
LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
# A shell without job control starts what is to run in the background with SIGINT ignored, and programs
# under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

LIFECYCLE = re.compile(
    r"^(Session created: |Session closed: |(Error closing |)([Tt]ransport|[Ss]erver) (closed |)for "
    r"session |Active sessions: |Closing \d+ active sessions|All transports closed)")
SANITIZER = re.compile(r"^=+\d+=+ ?ERROR|^SUMMARY: |runtime error:|ERROR SUMMARY: [1-9]|"
                       r"definitely lost: [1-9]|^==\d+== Invalid ")


# --- TAP -----------------------------------------------------------------------------------------

CASES = []
ENDS_WELL = "the daemon ends well after all this"  # the last case of a shared daemon, which needs the others


class Skip(Exception):
    """Raised by a case that cannot run here; its text says why."""


def case(name):
    def register(fn):
        CASES.append((name, fn))
        return fn
    return register


def diagnose(text):
    for line in text.rstrip("\n").split("\n"):
        print("#   " + line)


def end_case(name, fn, args):
    """Runs one case; its end as TAP tells it, and whether it is good."""
    try:
        fn(*args)
        return True, "- " + name
    except Skip as why:
        return True, "- %s # SKIP %s" % (name, why)
    except BaseException as e:  # the end of one case must not be the end of the others
        diagnose("".join(traceback.format_exception(type(e), e, e.__traceback__)[-12:]))
        for d in Daemon.alive[:]:
            if d in args:
                diagnose("the log of mcpd:\n" + "\n".join(d.lines(d.case_mark)[-40:]))
            else:
                d.kill()
        return False, "- " + name


def run(shared=None):
    """Runs the cases of the file and ends the program. With a SHARED daemon every case gets that as
    its argument, and its end is one more case."""
    wanted = [a for a in sys.argv[1:] if a != ENDS_WELL]
    chosen = [c for c in CASES if not wanted or any(a in c[0] for a in wanted)]
    if CASES and not chosen:
        print("1..0 # SKIP no case of that name")
        sys.exit(1)
    failed = 0
    if shared:
        shared.start()
        chosen.append((ENDS_WELL, Daemon.stop))
    print("1..%d" % len(chosen), flush=True)
    for n, (name, fn) in enumerate(chosen, 1):
        faulthandler.dump_traceback_later(3 * TIMEOUT, exit=True)
        began = time.monotonic()
        if shared:
            shared.case_mark = shared.mark()
        good, text = end_case(name, fn, [shared] if shared else [])
        failed += not good
        print("%s %d %s" % ("ok" if good else "not ok", n, text))
        faulthandler.cancel_dump_traceback_later()
        if os.environ.get("MCPD_TEST_TIMES"):
            print("#   %.2f s" % (time.monotonic() - began))
        sys.stdout.flush()
    if shared:
        shared.kill() if not shared.stopped else shutil.rmtree(shared.dir, ignore_errors=True)
    # 0 also with failures: the driver reads the lines. For people at a terminal the status is nice.
    sys.exit(1 if failed and sys.stdout.isatty() else 0)


def wait_until(fn, what):
    """Waits until FN() is true, and returns that."""
    end = time.monotonic() + TIMEOUT
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + what)
        select.select([], [], [], 0.005)


# --- processes -----------------------------------------------------------------------------------

def proc_stat(pid):
    """(state, ppid, pgrp) of a process; None where there is none."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1]), int(fields[2])


def children_of(pid, deep=True):
    """The pids of the descendants of PID, zombies too."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = proc_stat(int(entry))
            if stat:
                parents.setdefault(stat[1], []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        got = parents.get(todo.pop(), [])
        found += got
        if deep:
            todo += got
    return found


def alive(pid):
    stat = proc_stat(pid)
    return stat is not None and stat[0] not in "ZX"


def rss(pid):
    """Resident memory in KiB."""
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))


def peak_rss(pid):
    """The most resident memory that the process ever had, in KiB."""
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M).group(1))


def descriptors(pid):
    """How many descriptors a process has; 0 where only root may count those of mcpd, which is not dumpable."""
    try:
        return len(os.listdir("/proc/%d/fd" % pid))
    except PermissionError:
        return 0


def sanitized():
    """Whether the program measures memory of its own kind (AddressSanitizer, valgrind)."""
    with open(MCPD, "rb") as f:
        return bool(WRAPPER) or b"__asan_init" in f.read()


# --- the daemon ----------------------------------------------------------------------------------

def with_tokens(d, pairs):
    """D, which is not started, in mode tokens: PAIRS are (user, token)."""
    path = os.path.join(d.dir, "tokens")
    with open(path, "w") as f:
        for user, token in pairs:
            f.write("%s %s\n" % (hashlib.sha256(token.encode()).hexdigest(), user))
    d.config["auth"] = {"mode": "tokens", "tokensFile": path}
    return d


def fake(*args, **keys):
    """A backend: fakeserver.py with these options; KEYS go into its entry of the configuration."""
    return dict({"command": sys.executable, "args": [FAKE] + [str(a) for a in args]}, **keys)


def others_may_pass(folder):
    """Whether every user can come to what lies in FOLDER."""
    return all(f.stat().st_mode & 0o1 for f in (folder, *folder.parents))


# Folders of daemons are for tests that become another user, too: root's own TMPDIR (as pam_tmpdir makes it) is not.
if os.geteuid() == 0 and not others_may_pass(Path(tempfile.gettempdir()).resolve()):
    tempfile.tempdir = next((d for d in ("/tmp", "/var/tmp") if others_may_pass(Path(d).resolve())), None)

IN_REACH = {}  # programs that another user cannot come to, and their copies


def in_reach(path):
    """PATH, if every user can run the program; else (the tree lies below /root, say) the path of a copy."""
    path = Path(path).resolve()
    if path.stat().st_mode & 0o5 == 0o5 and others_may_pass(path.parent):
        return str(path)
    if path not in IN_REACH:
        folder = tempfile.mkdtemp(prefix="mcpd-test-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        IN_REACH[path] = shutil.copy(path, folder)
        os.chmod(IN_REACH[path], 0o755)
    return IN_REACH[path]


def tiny(**keys):
    """A backend that starts within a millisecond or two and knows the tools echo and pid."""
    return dict({"command": "/bin/sh", "args": [in_reach(TINY)]}, **keys)


class Daemon:
    alive = []
    ours = set()  # other processes that tests start, and end

    def __init__(self, servers=None, verbose=0, status=0, user=None, **config):
        """USER: the number of the user that it runs as, where the tests run as root."""
        self.dir = tempfile.mkdtemp(prefix="mcpd-test-")
        self.cwd = self.dir  # of the daemon
        self.file = os.path.join(self.dir, "mcpd.json")
        self.socket = os.path.join(self.dir, "control.sock")
        self.config = dict({"listen": "127.0.0.1:0", "control": self.socket,
                            "mcpServers": servers or {}}, **config)
        if self.config.get("store") is True:
            self.config["store"] = {"path": os.path.join(self.dir, "state")}
        self.verbose, self.status = verbose, status
        self.user = user if os.geteuid() == 0 else None
        self.cond = threading.Condition()
        self.proc = self.pid = self.addr = None
        self.stopped, self.case_mark = True, 0
        self.hear = threading.Event()  # cleared: nobody reads the log just now
        self.hear.set()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.kill()
            return
        try:
            if not self.stopped:
                self.stop()
        except BaseException:
            self.kill()
            raise
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        with open(self.file, "w") as f:
            json.dump(self.config, f)
        self.log, self.rest, self.eof, self.stopped = [], b"", False, False
        if self.user is not None:
            os.chown(self.dir, self.user, self.user)
        self.proc = subprocess.Popen(
            WRAPPER + [MCPD if self.user is None else in_reach(MCPD), "-c", self.file] + ["-v"] * self.verbose, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.cwd,
            preexec_fn=self.before_exec)
        self.pid = self.proc.pid
        Daemon.alive.append(self)
        os.set_blocking(self.proc.stderr.fileno(), False)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        m = self.wait_log(r"^Listening on http://(127\.0\.0\.\d|0\.0\.0\.0|\[::1\]):(\d+)(/\S*)$")
        self.addr = (m.group(1).strip("[]").replace("0.0.0.0", "127.0.0.1"), int(m.group(2)))

    def before_exec(self):
        if self.user is not None:
            os.setgroups([])
            os.setgid(self.user)
            os.setuid(self.user)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def read_log(self):
        """The thread that keeps the pipe from filling up."""
        while not self.eof:
            self.hear.wait()
            poll = select.poll()
            poll.register(self.proc.stderr.fileno(), select.POLLIN)
            poll.poll()
            with self.cond:
                self.drain()

    def drain(self):
        """Takes what is in the pipe; the lock is held. What the daemon logged before it did something that we
        have seen, is in there: whoever looks at the log drains first, and does not race with the thread."""
        while not self.eof and self.hear.is_set():
            try:
                data = os.read(self.proc.stderr.fileno(), 65536)
            except BlockingIOError:
                return
            *whole, self.rest = (self.rest + data).split(b"\n")
            if not data and self.rest:
                whole.append(self.rest)
            self.log += [w.decode("utf-8", "backslashreplace") for w in whole]
            self.eof = not data
            self.cond.notify_all()

    def mark(self):
        """A place in the log, to wait or look from."""
        return len(self.lines())

    def lines(self, since=0):
        with self.cond:
            self.drain()
            return self.log[since:]

    def lifecycle(self, since=0):
        return [l for l in self.lines(since) if LIFECYCLE.match(l)]

    def wait_log(self, pattern, since=0, count=1):
        """Waits for the COUNTth line that PATTERN is found in; its match."""
        end = time.monotonic() + TIMEOUT
        with self.cond:
            while True:
                found = [m for m in (re.search(pattern, l) for l in self.log[since:]) if m]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                if self.eof or left <= 0:
                    raise AssertionError("the log %s without: %s" % (
                        "ended" if self.eof else "stands", pattern))
                self.cond.wait(left)

    def sessions(self):
        return self.health()["activeSessions"]

    def health(self):
        return self.http("GET", "/health").json()

    def children(self):
        return children_of(self.pid)

    def wait_children(self, n=0):
        """Waits until the daemon has N descendants, zombies counted."""
        wait_until(lambda: len(self.children()) == n, "%d children" % n)

    def http(self, method, path, headers=(), body=None):
        """One request on a connection of its own, answered to the end."""
        with Conn(self.addr) as c:
            reply = c.request(method, path, headers, body)
            reply.read()
            return reply

    def ctl(self, method, **params):
        """A command of the control socket: its rows where it has rows, else its result."""
        with Control(self.socket) as c:
            reply = c.call(method, **params)
        no_secret_in("the reply to " + method, json.dumps(reply))
        return reply

    def mcpctl(self, *args, status=0, **keys):
        """Runs mcpctl and gives what it printed."""
        p = subprocess.run([MCPCTL, "-s", self.socket] + list(args), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, **keys)
        assert p.returncode == status, "mcpctl %s: status %d: %s" % (
            " ".join(args), p.returncode, p.stderr.decode())
        no_secret_in("the output of mcpctl", p.stdout.decode() + p.stderr.decode())
        return p.stdout.decode()

    def stop(self, signal_=signal.SIGTERM):
        """Ends the daemon (None: it ends by itself) and checks the end."""
        if signal_ is not None:
            assert self.proc.poll() is None, "mcpd ended early, status %d" % self.proc.returncode
            self.check_secrets()
            self.proc.send_signal(signal_)
        self.wait_end()
        self.check_secrets()
        self.check_end()
        self.stopped = True

    def crash(self):
        """kill -9, and the end of everything below: it comes to us."""
        self.check_secrets()
        below = self.children()
        self.proc.kill()
        self.wait_end()
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                pass
        self.stopped = True

    def restart(self, end=None):
        """Ends the daemon (END: how; in order) and starts it again at the same address."""
        (end or self.stop)()
        self.config["listen"] = "%s:%d" % self.addr
        self.start()

    def wait_end(self):
        self.proc.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        self.eof = True
        if self in Daemon.alive:
            Daemon.alive.remove(self)
        self.proc.stderr.close()

    def check_secrets(self):
        """Looks for what nobody may find where somebody could: while the daemon runs, and after its end."""
        if not SECRETS:
            return
        if os.path.exists(self.socket) and self.proc.poll() is None:
            for method in ("status", "users.list", "user.secret.list", "backends.list", "tools.list"):
                self.ctl(method)
            for row in self.ctl("sessions.list")[:20] + self.ctl("sessions.list", dormant=True)[:20]:
                self.ctl("session.show", id=row["id"])
        no_secret_in("the log", "\n".join(self.lines()))
        for pid in [self.pid] + self.children():
            no_secret_in("a command line", command_line(pid))
        store = self.config.get("store")
        for top in {self.dir, store["path"] if isinstance(store, dict) and "path" in store else self.dir}:
            for root, _, names in os.walk(top):
                for path in (os.path.join(root, n) for n in names if n != "mcpd.json"):
                    try:
                        with open(path, "rb") as f:
                            no_secret_in(path, f.read().decode("latin-1"))
                    except OSError:
                        pass  # a socket, or a journal that is gone

    def check_end(self):
        reports = [l for l in self.log if SANITIZER.search(l)]
        assert not reports, "reports: %s" % "\n".join(self.log[-80:])
        equal(self.proc.returncode, self.status, "exit status")
        bugs = [l for l in self.log if re.search(r"\b[Bb]ug: ", l)]
        assert not bugs, "the log tells of bugs: %s" % bugs
        said = [l for l in self.log if not self.verbose or LIFECYCLE.match(l)]
        equal(said[-1:], ["All transports closed"], "last line of the log")
        left = [p for p in children_of(os.getpid(), False)
                if p not in [d.pid for d in Daemon.alive] and p not in Daemon.ours]
        assert not left, "processes left: %s" % [(p, command_line(p)) for p in left]
        assert not os.path.exists(self.socket), "the control socket is still there"
        assert not os.path.exists(key_path(self.socket)), "the key of the control socket is still there"

    def kill(self):
        """The end of a test that failed."""
        if self.proc is None:
            return
        below = children_of(self.pid)
        try:
            self.proc.kill()
            self.wait_end()
        except (OSError, ValueError, subprocess.TimeoutExpired):
            pass
        if self in Daemon.alive:
            Daemon.alive.remove(self)
        for pid in below:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # it came to us
            except OSError:
                pass
        diagnose("the log of mcpd:\n" + "\n".join(self.log[max(self.case_mark, len(self.log) - 60):]))
        shutil.rmtree(self.dir, ignore_errors=True)
        self.proc = None


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return "?"


def run_mcpd(config, *args):
    """mcpd with a configuration file of this content, to its end: (status, stdout, stderr)."""
    with tempfile.TemporaryDirectory(prefix="mcpd-test-") as dir_:
        path = os.path.join(dir_, "mcpd.json")
        with open(path, "w") as f:
            f.write(config if isinstance(config, str) else json.dumps(config))
        p = subprocess.run([MCPD, "-c", path] + list(args), stdin=subprocess.DEVNULL, cwd=dir_,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


# --- the control socket --------------------------------------------------------------------------

def key_path(socket_):
    """Where the key of a control socket is."""
    return re.sub(r"\.sock$", "", socket_) + ".key"


def control_key(socket_):
    with open(key_path(socket_)) as f:
        return f.read().strip()


class Control:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(path)
        self.file = self.sock.makefile("rb")
        self.ids = itertools.count(1)
        self.hello = self.read()
        if self.hello and self.hello.get("params", {}).get("key"):
            self.call("authenticate", key=control_key(path))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()

    def read(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def send(self, msg):
        self.sock.sendall(json.dumps(dict({"jsonrpc": "2.0"}, **msg)).encode() + b"\n")

    def call(self, method, **params):
        ident = next(self.ids)
        self.send({"id": ident, "method": method, "params": params})
        rows = []
        while True:
            msg = self.read()
            assert msg is not None, "the control connection was closed"
            if msg.get("method") == "row":
                rows.append(msg["params"]["row"])
            elif msg.get("id") == ident:
                if "error" in msg:
                    raise RpcError(msg["error"])
                return rows if list(msg["result"]) == ["rows"] else msg["result"]
