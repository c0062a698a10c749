"""Says which files and functions have grown beyond what is easily read: `make lint` prints it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from source_tree import ROOT, Module, modules

FILE_LINES = 400
FUNCTION_LINES = 25
POSITIONAL = 4
NESTING = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def warnings(module: Module) -> Iterator[str]:
    """What is large in one module, a line each."""
    place = module.path.relative_to(ROOT)
    lines = len(module.path.read_text(encoding="utf-8").splitlines())
    if lines > FILE_LINES:
        yield f"{place}: {lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield from (f"{place}:{node.lineno}: {node.name} {fault}" for fault in _large(node))


def _large(function: Function) -> Iterator[str]:
    lines = _code_lines(function)
    if lines > FUNCTION_LINES:
        yield f"has {lines} lines"
    arguments = function.args.posonlyargs + function.args.args
    count = len([argument for argument in arguments if argument.arg not in ("self", "cls")])
    if count > POSITIONAL:
        yield f"takes {count} positional parameters"
    depth = _depth(function.body)
    if depth > NESTING:
        yield f"nests {depth} deep"


def _code_lines(function: Function) -> int:
    """Without the signature and the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _depth(body: list[ast.stmt]) -> int:
    return max((_depth_of(statement) for statement in body), default=0)


def _depth_of(statement: ast.stmt) -> int:
    orelse = getattr(statement, "orelse", [])
    # An elif stands beside its if, not inside it.
    if isinstance(statement, ast.If) and len(orelse) == 1 and isinstance(orelse[0], ast.If):
        return max(1 + _depth(statement.body), _depth_of(orelse[0]))
    inner = [*getattr(statement, "body", []), *orelse, *getattr(statement, "finalbody", [])]
    inner += [line for branch in getattr(statement, "handlers", []) for line in branch.body]
    inner += [line for case in getattr(statement, "cases", []) for line in case.body]
    return isinstance(statement, NESTS) + _depth(inner)


def main() -> None:
    found = [line for module in modules().values() for line in warnings(module)]
    for line in found:
        print(f"large: {line}")


if __name__ == "__main__":
    main()
