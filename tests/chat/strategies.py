"""Hypothesis strategies for the message types, built from the types themselves: a new field is tested unasked."""

from functools import cache
from typing import Any

import msgspec.inspect as mi
from hypothesis import strategies as st


def messages(kind: Any) -> st.SearchStrategy[Any]:
    """Valid values of a msgspec type."""
    return _of(mi.type_info(kind))


def _of(info: mi.Type) -> st.SearchStrategy[Any]:
    match info:
        case mi.Metadata(type=inner):
            return _of(inner)
        case mi.StructType(cls=cls, fields=fields):
            required = {field.name: _of(field.type) for field in fields if field.required}
            optional = {field.name: _of(field.type) for field in fields if not field.required}
            return st.fixed_dictionaries(required, optional=optional).map(lambda values: cls(**values))
        case mi.UnionType(types=types):
            return st.one_of([_of(kind) for kind in types])
        case mi.IntType(gt=None, ge=least, lt=None, le=greatest):
            return st.integers(-(2**63) if least is None else least, 2**63 - 1 if greatest is None else greatest)
        case mi.IntType(gt=None, ge=least, lt=int(above), le=None):
            return st.integers(-(2**63) if least is None else least, above - 1)
        case mi.StrType(pattern=str(pattern)):
            return _matching(pattern)
        case mi.StrType(min_length=least, max_length=greatest):
            return st.text(
                st.characters(exclude_categories=["Cs"]), min_size=least or 0, max_size=min(greatest or 9, 9)
            )
        case mi.VarTupleType(item_type=item, min_length=least, max_length=greatest):
            return st.lists(_of(item), min_size=least or 0, max_size=min(greatest or 2, 2)).map(tuple)
        case mi.TupleType(item_types=items):
            return st.tuples(*[_of(item) for item in items])
        case mi.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=2)
        case mi.BytesType():
            return st.binary(max_size=9)
        case mi.BoolType():
            return st.booleans()
        case mi.NoneType():
            return st.none()
        case mi.LiteralType(values=values):
            return st.sampled_from(values)
        case mi.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case _:
            raise NotImplementedError(f"no strategy for {info}")


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern.replace(r"(?!\n)$", r"\Z"))
