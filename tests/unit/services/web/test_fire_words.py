import ast
import re
from collections.abc import Iterator
from pathlib import Path

import gateway
from services.web.fire_words import MARKS

HOME = Path(gateway.__file__).parent
CODE = [*HOME.glob("drivers/**/*.py"), *HOME.glob("fire/*.py"), HOME / "outlet.py"]
FORMATS = (HOME.parent / "device_configs" / "fire").glob("*.yaml")
HOLDERS = {"marks", "problems", "UNKNOWN", "BARE"}


def texts(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression can become; what it only asks is none."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from (*texts(node.body), *texts(node.orelse))
        case ast.Compare() | ast.Call() | ast.GeneratorExp() | None:
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from texts(child)


def marks_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="marks", value=value):
                yield from texts(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in HOLDERS:
                yield from texts(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if name in HOLDERS:
                yield from texts(value)
            case ast.AugAssign(target=ast.Name(id=name), value=value) if name in HOLDERS:
                yield from texts(value)
            case ast.AnnAssign(target=ast.Name(id="_POINT" | "_LINE"), value=ast.Dict(values=rows)):
                yield from (text for row in rows if isinstance(row, ast.Tuple) for text in texts(row.elts[3]))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="problems"), attr="append"), args=[value]):
                yield from texts(value)
            case ast.Call(func=ast.Name(id="_untrusted"), args=[*_, value]):
                yield from texts(value)
            case ast.FunctionDef(name="_time" | "_state" | "_done"):
                for part in ast.walk(node):
                    if isinstance(part, ast.Return) and isinstance(part.value, ast.Tuple):
                        yield from (text for one in part.value.elts[1:2] for text in texts(one))


def test_every_mark_of_the_gateway_has_a_word() -> None:
    found = {mark for path in CODE for mark in marks_in(ast.parse(path.read_text(encoding="utf-8")))}
    for path in FORMATS:
        for names in re.findall(r"marks: \[([^\]]+)\]", path.read_text(encoding="utf-8")):
            found |= {name.strip() for name in names.split(",")}
    found.discard("")
    assert found >= {"simulated", "state_unknown", "bad_sum", "bad_time", "reserved_bits", "size_mismatch", "summary"}
    assert not sorted(found - MARKS.keys())
