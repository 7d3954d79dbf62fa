"""Runs a program on a terminal of its own and types: python3 typed.py COLUMNS COMMAND... with a script on standard input, a step a line.

    type TEXT    the keys, with the escapes of a string of Python: \\t \\n \\x03
    wait REGEX   until the screen's text since the last wait holds it

Prints the widest line that was shown, in columns, colours and movements apart. Exit 1 with what was shown: a wait of 120 s was in vain.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
import unicodedata

TEXT = codecs.getincrementaldecoder("utf-8")("replace")  # a character may come in two reads
ESCAPES = re.compile(r"\x1b(\[[0-9;?<>=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


def read(screen, deadline):
    """More text, "" at the end of it, None when none came in time."""
    text = ""
    while not text:  # the first bytes of a character are no text yet
        if not select.select([screen], [], [], max(0, deadline - time.monotonic()))[0]:
            return None
        try:
            got = os.read(screen, 65536)
        except OSError:
            return ""
        if not got:
            return ""
        text = TEXT.decode(got)
    return text


def main():
    columns, command = int(sys.argv[1]), sys.argv[2:]
    steps = [line.rstrip("\n").partition(" ") for line in sys.stdin if line.strip()]
    pid, screen = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    shown, since = "", 0
    for verb, _, text in [*steps, ("end", "", "")]:
        if verb == "type":
            os.write(screen, text.encode().decode("unicode_escape").encode())
            continue
        deadline = time.monotonic() + 120
        while verb == "end" or not re.search(text, ESCAPES.sub("", shown[since:])):
            more = read(screen, deadline)
            if more:
                shown += more
            elif verb == "end" and more is not None:
                break
            else:
                sys.exit(f"not shown: {verb} {text}\n{shown[-2000:]}")
        since = len(shown)
    os.waitpid(pid, 0)
    lines = [part for line in ESCAPES.sub("", shown).split("\n") for part in line.split("\r")]
    widest = max(lines, key=width)
    print(width(widest), widest[:120], sep="\t")


main()
