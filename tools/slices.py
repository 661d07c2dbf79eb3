"""Which cells does a claim rest on?  The backward slice of a chapter by names, so that a claim can be measured alone.

A cell is kept when it binds, or changes in place, a name that a kept later cell reads.  What changes a name in place:
assigning to an attribute or element, an augmented assignment, a method call whose value is thrown away
(`streamed.update(x)`), a method whose name ends in an underscore (`x.add_(1)`).  Modules, `ledger` and `rng` are only
read: every cell may use them in any order.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from tools import chapters

SHARED = {"ledger", "rng"}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
IMPORT = (ast.Import, ast.ImportFrom)


def cells_behind(nb: NotebookNode, claim: str) -> list[int]:
    """Numbers of the code cells on which `claim` rests, its own included, in order."""
    return all_behind(nb)[claim]


def all_behind(nb: NotebookNode) -> dict[str, list[int]]:
    """The same for every claim of a chapter."""
    trees, found = chapters.code(nb), {}
    modules = union(imported(tree) for tree in trees.values())
    touched = {i: bound(tree) | (changed(tree) - modules - SHARED) for i, tree in trees.items()}
    read = {i: reads(tree.body) for i, tree in trees.items()}
    for claim, last in chapters.claims(nb).items():
        wanted, chosen = read[last][0], [last]
        for i in sorted((j for j in trees if j < last), reverse=True):
            if touched[i] & wanted:
                chosen.append(i)
                exposed, rebound = read[i]
                wanted = (wanted - rebound) | exposed
        found[claim] = sorted(chosen)
    return found


def union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)


def root_name(node: ast.AST) -> set[str]:
    """{a} of a.b[c].d"""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def here(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what it contains, without functions and comprehensions, which have names of their own."""
    yield node
    if not isinstance(node, FUNCTION + COMPREHENSION):
        for child in ast.iter_child_nodes(node):
            yield from here(child)


def imported(tree: ast.AST) -> set[str]:
    return {(a.asname or a.name).split(".")[0] for n in ast.walk(tree) if isinstance(n, IMPORT) for a in n.names}


def bound(tree: ast.AST) -> set[str]:
    """Names that `tree` binds: assigned, imported, defined, looped over."""
    names = {n.id for n in here(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del))}
    return names | imported(tree) | {n.name for n in here(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def changed(tree: ast.AST) -> set[str]:
    """Names of objects that `tree` changes in place."""
    names: set[str] = set()
    for n in ast.walk(tree):
        if isinstance(n, (ast.Attribute, ast.Subscript)) and isinstance(n.ctx, (ast.Store, ast.Del)):
            names |= root_name(n)
        elif isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Attribute):
            names |= root_name(n.value.func)
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr.endswith("_"):
            names |= root_name(n.func)
    return names


def free(node: ast.AST) -> set[str]:
    """Names that evaluating `node` reads from outside; arguments and locals of a function do not count."""
    if isinstance(node, FUNCTION):
        arguments = node.args
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d)]
        body = node.body if isinstance(node.body, list) else [node.body]
        local = {a.arg for a in ast.walk(arguments) if isinstance(a, ast.arg)} | union(bound(b) for b in body)
        return union(map(free, defaults)) | (union(map(free, body)) - local)
    if isinstance(node, COMPREHENSION):
        local = union(bound(g.target) for g in node.generators)
        return free(node.generators[0].iter) | (union(map(free, ast.iter_child_nodes(node))) - local)
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Store) else {node.id}
    own = root_name(node.target) if isinstance(node, ast.AugAssign) else set()
    return own | union(map(free, ast.iter_child_nodes(node)))


def reads(statements: list[ast.stmt]) -> tuple[set[str], set[str]]:
    """(names read before these statements bind them, names certainly bound by them)."""
    exposed: set[str] = set()
    done: set[str] = set()
    for s in statements:
        if isinstance(s, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
            inside = bound(s.target) if isinstance(s, ast.For) else set()
            if isinstance(s, ast.With):
                inside = union(bound(i.optional_vars) for i in s.items if i.optional_vars)
            exposed |= head(s) - done
            for block in ("body", "handlers", "orelse", "finalbody"):
                inner = [
                    x for h in getattr(s, block, []) for x in (h.body if isinstance(h, ast.ExceptHandler) else [h])
                ]
                exposed |= reads(inner)[0] - done - inside
            if isinstance(s, ast.With):
                done |= inside | reads(s.body)[1]
        else:
            exposed |= free(s) - done
            done |= bound(s)
    return exposed, done


def head(statement: ast.stmt) -> set[str]:
    """Names read by the head of a compound statement: its test, its iterable or its context managers."""
    parts = [getattr(statement, field, None) for field in ("test", "iter")]
    parts += [item.context_expr for item in getattr(statement, "items", [])]
    return union(free(part) for part in parts if part is not None)
