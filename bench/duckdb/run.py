#!/usr/bin/env python3
"""Run the SQL on standard input with the duckdb module; the first error ends it.

Standard output: rows of SELECT, columns joined by |. Standard error: one line, `seconds N`, the sum over all statements.
"""

import sys
import time

import duckdb


def main() -> None:
    connection = duckdb.connect()
    seconds = 0.0
    for statement in duckdb.extract_statements(sys.stdin.read()):
        started = time.perf_counter()
        rows = connection.execute(statement).fetchall()
        seconds += time.perf_counter() - started
        if statement.type == duckdb.StatementType.SELECT:
            for row in rows:
                print("|".join(str(value) for value in row))
    print(f"seconds {seconds:.6f}", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        print(f"v{duckdb.__version__}")
    else:
        main()
