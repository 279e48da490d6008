"""A sentence splitter of a few rules, written as the ONNX graph that argostranslate's MiniSBD expects.

Why: a package without a sentence model makes argostranslate download one at its first use, and offline that is an
error. This one is 3 KB and comes with the package. A sentence ends at 。！？!?… and at a closing quote after them, and
at a full stop with a gap behind it; never inside a run of marks (?!, ……”).

The graph looks at one character, the one before and the one after, so that tables over characters say it all. Written
straight in the protocol buffers wire format (onnx.proto3, developers.google.com/protocol-buffers/docs/encoding):
twenty lines against a library of 15 MB that would be needed for nothing else.
"""

import json
import struct
from collections.abc import Iterable
from typing import Final

HARD: Final = "。！？!?…"
SOFT: Final = "."
CLOSING: Final = "\"'”’」』）)》"
_CHARACTERS: Final = ["<PAD>", "<UNK>", " ", "\n", *HARD, *SOFT, *CLOSING]
_GAPS: Final = (" ", "\n", "<PAD>")

_IR_VERSION: Final = 8
_OPERATOR_SET: Final = 17
_FLOAT: Final = 1
_INT64: Final = 7
MINISBD_CODES: Final = {"zh": "zh-hans", "zt": "zh-hant"}
"""What MiniSBD calls the languages that it calls otherwise than Argos."""


def sentence_model(code: str) -> bytes:
    """The .onnx file for a package that translates from `code`."""
    tables = {
        "hard": [float(each in HARD) for each in _CHARACTERS],
        "soft": [float(each in SOFT) for each in _CHARACTERS],
        "closing": [float(each in CLOSING) for each in _CHARACTERS],
        "gap": [float(each in _GAPS) for each in _CHARACTERS],
        "last": [float(each not in HARD + SOFT + CLOSING) for each in _CHARACTERS],
    }
    constants = [_floats(name, values, [len(values)]) for name, values in tables.items()]
    constants += [_floats("ten", [10.0], [1]), _floats("quarter", [0.25], [1]), _floats("minus", [-1.0], [1])]
    constants += [
        _integers("zero", [0]),
        _integers("one", [1]),
        _integers("minus_one", [-1]),
        _integers("end", [2**31]),
    ]
    constants += [_integers("after", [0, 0, 0, 1]), _integers("before", [0, 1, 0, 0])]
    nodes = [
        _node("Slice", ["units", "one", "end", "one"], "behind"),
        _node("Pad", ["behind", "after"], "next"),
        _node("Slice", ["units", "zero", "minus_one", "one"], "ahead"),
        _node("Pad", ["ahead", "before"], "previous"),
        _node("Gather", ["hard", "units"], "is_hard"),
        _node("Gather", ["soft", "units"], "is_soft"),
        _node("Gather", ["closing", "units"], "is_closing"),
        _node("Gather", ["hard", "previous"], "was_hard"),
        _node("Gather", ["gap", "next"], "gap_follows"),
        _node("Gather", ["last", "next"], "no_mark_follows"),
        _node("Mul", ["is_closing", "was_hard"], "closes"),
        _node("Add", ["is_hard", "closes"], "may_end"),
        _node("Mul", ["may_end", "no_mark_follows"], "ends_hard"),
        _node("Mul", ["is_soft", "gap_follows"], "ends_soft"),
        _node("Add", ["ends_hard", "ends_soft"], "ends"),
        # Classes as MiniSBD reads them: 0 inside a word, 1 its end, 2 end of a sentence; 3 and 4 never.
        _node("Mul", ["ends", "ten"], "sentence_score"),
        _node("Mul", ["gap_follows", "quarter"], "word_score"),
        _node("Sub", ["ends", "ends"], "inside_score"),
        _node("Sub", ["minus", "sentence_score"], "never_score"),
        *(_node("Unsqueeze", [f"{name}_score", "minus_one"], name) for name in ("inside", "word", "sentence", "never")),
        _node("Concat", ["inside", "word", "sentence", "never", "never"], "logits", axis=2),
    ]
    graph = (
        *(_field(1, node) for node in nodes),
        _field(2, b"sentences"),
        *(_field(5, constant) for constant in constants),
        _field(11, _value("units", _INT64, ["B", "N"])),
        _field(11, _value("features", _FLOAT, ["B", "N", "F"])),
        _field(12, _value("logits", _FLOAT, ["B", "N", "5"])),
    )
    identifiers = {each: number for number, each in enumerate(_CHARACTERS)}
    lang = MINISBD_CODES.get(code, code)
    notes = {
        "lang_code": lang,
        "config": json.dumps(
            {"skip_newline": False, "max_seqlen": 1000, "no_ssplit": False, "batch_size": 8,
             "feat_funcs": ["space_before"], "use_dictionary": False, "num_dict_feat": 0}
        ),
        "vocab": json.dumps(
            {"lang": lang, "idx": 0, "cutoff": 0, "lower": False, "_id2unit": _CHARACTERS, "_unit2id": identifiers}
        ),
        "lexicon": "null",
    }  # fmt: skip
    return b"".join(
        (
            _number(1, _IR_VERSION),
            _field(7, b"".join(graph)),
            _field(8, _number(2, _OPERATOR_SET)),
            *(_field(14, _field(1, key.encode()) + _field(2, value.encode())) for key, value in notes.items()),
        )
    )


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & 2**64 - 1)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _node(operator: str, inputs: Iterable[str], output: str, axis: int | None = None) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    node += _field(4, operator.encode())
    if axis is not None:
        node += _field(5, _field(1, b"axis") + _number(3, axis) + _number(20, 2))
    return node


def _tensor(name: str, element: int, shape: Iterable[int], raw: bytes) -> bytes:
    return (
        b"".join(_number(1, size) for size in shape) + _number(2, element) + _field(8, name.encode()) + _field(9, raw)
    )


def _floats(name: str, values: list[float], shape: list[int]) -> bytes:
    return _tensor(name, _FLOAT, shape, struct.pack(f"<{len(values)}f", *values))


def _integers(name: str, values: list[int]) -> bytes:
    return _tensor(name, _INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))


def _value(name: str, element: int, dimensions: Iterable[str]) -> bytes:
    shape = b"".join(
        _field(1, _number(1, int(each)) if each.isdigit() else _field(2, each.encode())) for each in dimensions
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, element) + _field(2, shape)))
