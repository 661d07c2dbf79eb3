"""Notebooks that mean harm, or look as if.  Each says which points are right; all else must be as if nothing had been.

CELLS run before honest answers, which keep all their points.  FUNCTIONS replace the function `scaled`, whose 4 points
are lost.  CHEATS answer wrongly and try to be paid for it.  FILES are no notebooks at all, or strange ones.
"""

PORT = "48123"  # stands for one at which a listener waits, who must hear nothing
TOKEN = "987654.25"  # a sleep so long, looked for among the processes that are left

CELLS = {
    "endless loop": "while True:\n    pass",
    "endless loop that ignores the alarm": "import signal\nsignal.signal(14, signal.SIG_IGN)\nwhile True:\n    pass",
    "endless loop that catches all": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    ),
    "sleep": "import time\ntime.sleep(1e6)",
    "fork bomb": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "memory at once": "x = bytearray(10 << 30)",
    "memory bit by bit": "x = []\nwhile True:\n    x.append(bytearray(1 << 28))",
    "memory of many processes": (
        "import os, signal, time\nsignal.signal(14, signal.SIG_IGN)\nfor i in range(40):\n    if os.fork() == 0:\n"
        "        x = bytearray(b'x') * (400 << 20)\n        time.sleep(1e6)\nos.wait()"
    ),
    "memory that no process holds": (
        "import os\nfiles = []\nwhile True:\n    files.append(os.memfd_create('x'))\n"
        "    os.write(files[-1], bytes(1 << 25))"
    ),
    "memory in /dev/shm": "for i in range(10**4):\n    open(f'/dev/shm/{i}', 'wb').write(bytes(1 << 25))",
    "printed flood": "while True:\n    print('x' * 10**6)",
    "disk": "with open('/tmp/x', 'wb') as f:\n    while True:\n        f.write(bytes(1 << 24))",
    "many files": "import os\nfor i in range(10**5):\n    open(f'/tmp/{i}', 'wb').write(bytes(5000))",
    "os._exit": "import os\nos._exit(3)",
    "sys.exit": "import sys\nsys.exit(0)",
    "quit": "quit()",
    "kill all": "import os\nos.kill(-1, 9)",
    "kill the group": "import os\nos.killpg(0, 9)",
    "segmentation fault": "import ctypes\nctypes.string_at(0)",
    "abort": "import os\nos.abort()",
    "closed descriptors": "import os\nos.closerange(0, 256)",
    "environment": "import os\nprint(dict(os.environ), open('/proc/1/environ', 'rb').read())",
    "reads the disk": (
        "import os\nfor top in ('/', '/root', '/home', '/work', '/tmp', '/etc', '/book'):\n"
        "    for d, _, names in os.walk(top):\n"
        "        if d.startswith(('/proc', '/sys', '/usr')) or 'site-packages' in d:\n            continue\n"
        "        for n in names:\n            try:\n"
        "                t = open(os.path.join(d, n), 'rb').read(10**5)\n            except Exception:\n"
        "                continue\n            if b'SECRET-OF-THE-TEST' in t:\n                print('found', d, n, t)"
    ),
    "reads other processes": (
        "import glob\nfor p in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'):\n"
        "    try:\n        print(open(p, 'rb').read())\n    except OSError:\n        pass"
    ),
    "network": f"import socket\nsocket.create_connection(('127.0.0.1', {PORT}), 2)",
    "network by udp": f"import socket\nsocket.socket(2, 2).sendto(b'x', ('127.0.0.1', {PORT}))",
    "a name asked for": "import socket\nsocket.getaddrinfo('example.org', 80)",
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execvp('sleep', ['sleep', '{TOKEN}'])\n    os._exit(0)"
    ),
    "input": "x = input('your password? ')",
    "html": "print('<script>alert(1)</script><img src=x onerror=alert(2)>')",
    "writes on the library": "open('/book/fieldkit/__init__.py', 'w').write('evil')",
    "writes on the system": "open('/usr/bin/evil', 'w').write('evil')",
    "becomes root": "import os\nos.setuid(0)",
    "mounts": "import ctypes\nprint(ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None))\nraise OSError",
    "new namespaces": "import subprocess\nsubprocess.run(['unshare', '-Ur', 'id'], check=True)",
    "a garbage frame": "import os, sys\nos.write(int(sys.argv[2]), b'\\xff' * 64)",
    "a forged frame": (
        'import os, sys, struct\nt = b\'{"done": true, "faults": [[1]], "shapes": [[-1]]}\'\n'
        "os.write(int(sys.argv[2]), struct.pack('<II', len(t), 0) + t)"
    ),
    "a frame of brackets": (
        "import os, sys, struct\nt = b'[' * 10**6\nd = struct.pack('<II', len(t), 0) + t\n"
        "while d:\n    d = d[os.write(int(sys.argv[2]), d):]"
    ),
    "the worker replaced": f"import os\nos.execvp('sleep', ['sleep', '{TOKEN}'])",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "an exception that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E"
    ),
    "an exception of 10 MB": "raise ValueError('x' * 10**7)",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n    return f(n + 1)\nf(0)",
    "a thread without end": (
        "import threading, time\nthreading.Thread(target=lambda: [time.sleep(1) for _ in range(10**6)]).start()"
    ),
    "closed standard output": "import sys\nsys.stdout.close()",
    "shell": "!sleep 1 && kill -9 -1",
    "install": "%pip install evil\n!apt install evil",
}
FUNCTIONS = {
    "not a number": "return x * float('nan')",
    "infinite": "return x / 0",
    "text": "return 'full marks'",
    "nothing": "pass",
    "another shape": "return torch.zeros(3)",
    "ten to the twelve numbers": "return torch.zeros(1).expand(10**12)",
    "800 MB": "return torch.zeros(10**8)",
    "complex": "return x * 1j",
    "os._exit": "import os\n    os._exit(0)",
    "a loop": "while True:\n        pass",
    "a crash": "import ctypes\n    ctypes.string_at(0)",
    "an exception whose text does not end": (
        "class E(Exception):\n        def __str__(self):\n            while True:\n                pass\n    raise E"
    ),
    "a generator": "yield x",
    "a list without end": (
        "class L(list):\n        def __iter__(s):\n            while True:\n                yield 0.0\n    return L()"
    ),
    "a huge integer": "return 10**400",
    "a tensor that lies": (
        "class T(torch.Tensor):\n        @classmethod\n        def __torch_function__(c, f, t, a=(), k=None):\n"
        "            return x.as_subclass(T)\n    return x.as_subclass(T)"
    ),
}
FORGED = (
    'import os, sys, struct\nt = b\'{{"{}": [], "points": 10, "part": 1, "shapes": [{}]}}\'\n'
    "body = struct.pack('<d', 1) * {}\n"
    "frame, out = struct.pack('<II', len(t), len(body)) + t + body, int(sys.argv[2])\n"
)
CHEATS = {
    "allclose is always true": "import torch, numpy\ntorch.allclose = numpy.allclose = lambda *a, **k: True",
    "abs is zero": "import builtins\nbuiltins.abs = lambda x: 0.0",
    "equal to everything": (
        "class Yes:\n    def __eq__(s, o):\n        return True\n    def __float__(s):\n        return 1.0\n"
        "    def __iter__(s):\n        return iter((Yes(), Yes()))\nWRONG = Yes()"
    ),
    "asserts dropped": (
        "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(s, n):\n        return ast.Pass()\n"
        "get_ipython().ast_transformers.append(T())"
    ),
    "tracebacks patched away": "get_ipython().showtraceback = lambda *a, **k: None",
    "imports the marker": "import coursework.marking as m\nm.question = lambda *a: True",
    "patches what is sent": (
        "from coursework import frames\nold = frames.packed\n"
        "frames.packed = lambda h, a=(): old({**h, 'points': 10, 'part': 1.0, 'mark': [1, 10]}, a)"
    ),
    "patches what is called": (
        "from coursework import calls\ncalls.numbers = lambda a, kind: __import__('numpy').ones(2)"
    ),
    "hunts for the truth": (
        "import gc\nfound = [o for o in gc.get_objects() if type(o).__name__ in ('Draws', 'Theory', 'Mark')]\n"
        "WRONG = found[0] if found else 0.0"
    ),
    "looks into the caller's frames": (
        "import sys\ndef up():\n    f = sys._getframe()\n    while f:\n        if 'factor' in f.f_locals:\n"
        "            return f.f_locals['factor']\n        f = f.f_back\nWRONG = up() or 0.0"
    ),
    "a wide bar": "BAR = 1e300",
    "no bar": "BAR = 0.0",
    "a bar that is none": "BAR = float('nan')",
    "rehearses for the seeds": "from coursework.rehearsal import rehearse\nWRONG = rehearse('own/tiny') or 0.0",
    "looks into the box": "LOOK = True",
    "numbers that lie": (
        "class F(float):\n    def __eq__(s, o):\n        return True\n    __lt__ = __gt__ = __le__ = __ge__ = __eq__\n"
        "    def __abs__(s):\n        return 0.0\n    def __sub__(s, o):\n        return F(0)\n    __rsub__ = __sub__\n"
        "WRONG = F(0), F(1)"
    ),
    "integers without end": "WRONG = 10**400, 10**400",
    "an estimate whose bar is asked twice": (
        "class E:\n    value = 0.0\n    @property\n    def error(s):\n        s.n = getattr(s, 'n', 0) + 1\n"
        "        return [1e300, float('inf'), 0.0][s.n % 3]\nWRONG = E()"
    ),
    "searches memory": (
        "import glob, re\nfor p in glob.glob('/proc/[0-9]*/mem'):\n    try:\n        t = open(p, 'rb').read(1 << 20)\n"
        "        WRONG = float(re.search(rb'truth=([\\d.]+)', t)[1])\n    except Exception:\n        pass"
    ),
    "answers before it is asked": FORGED.format("done", "[]", 1) + "for _ in range(9):\n    os.write(out, frame)",
    "answers in the worker's place": (
        FORGED.format("faults", "[2]", 2)
        + "while True:\n    os.write(out, frame)\n    os.read(int(sys.argv[1]), 1 << 20)"
    ),
    "a thread that answers": (
        FORGED.format("done", "[]", 1) + "import threading\ndef run():\n    while True:\n        os.write(out, frame)\n"
        "threading.Thread(target=run, daemon=True).start()"
    ),
}
QUICK = {
    "endless loop", "fork bomb", "os._exit", "reads the disk", "network", "daemon", "a forged frame", "800 MB",
    "equal to everything", "patches what is called",
}  # fmt: skip
