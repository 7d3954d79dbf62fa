"""What tests wait with: no test waits for a time to pass, it waits for what it needs."""
import pathlib
import time


def within(seconds, condition, *arguments, every=0.01):
    """Asks again, each time after `every` seconds, until the condition holds and gives its answer; the bound is generous, for it bounds a failure, not a wait."""
    end = time.monotonic() + seconds
    while not (answer := condition(*arguments)):
        assert time.monotonic() < end, f"not within {seconds} s: {condition.__name__} {arguments}"
        time.sleep(every)
    return answer


def busy(pid, ticks):
    """The process has used that many hundredths of a second of processor time."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]) >= ticks
