"""Tensors of the Open Inference Protocol: one for each feature, [n] or [n, 1], in JSON or in the binary form beside it.

In the binary form (the protocol's binary tensor data extension, which Triton's clients use by default) the values of a tensor
stand behind the JSON, in the order of the tensors, little-endian; a text is its length in four bytes and its bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.feature_table import Column, FeatureTable, need_size, table_of
from serving.problems import Problem
from serving.view import View

NUMBERS: Mapping[str, str] = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2", "INT32": "<i4",
    "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
"""The data types of numbers, and NumPy's names for their binary form."""

TEXTS = "BYTES"
SIZE = "binary_data_size"


def read_tensors(inputs: Any, binary: bytes, view: View) -> FeatureTable:
    """Return the inputs of a request as a table; `binary` is what follows its JSON."""
    if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
        raise _wrong("inputs is an array of tensors, one for each feature.")
    need_size(0, len(inputs))
    columns: dict[str, Column] = {}
    rows, at = -1, 0
    for place, tensor in enumerate(inputs):
        name, count = _head(tensor, place)
        if name in columns:
            raise _wrong("Two tensors have the same name.")
        if rows not in (-1, count):
            raise _wrong("The tensors are of different lengths.")
        rows = count
        need_size(rows)
        columns[name], at = _values(tensor, rows, binary, at)
    if at != len(binary):
        raise _wrong("What follows the JSON is longer than its tensors.")
    return table_of(columns, list(columns), rows, view)


def _head(tensor: Mapping[str, Any], place: int) -> tuple[str, int]:
    """Return the name of a tensor and how many rows it has."""
    name, shape, kind = tensor.get("name"), tensor.get("shape"), tensor.get("datatype")
    if not isinstance(name, str) or kind not in (*NUMBERS, TEXTS):
        raise _wrong(f"inputs.{place} needs a name, and a datatype among {', '.join((*NUMBERS, TEXTS))}.")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise _wrong(f"The shape of inputs.{place} is an array of whole numbers.")
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise _wrong(f"The shape of inputs.{place} is [n] or [n, 1]: there is a tensor for each feature.")
    return name, shape[0]


def _values(tensor: Mapping[str, Any], rows: int, binary: bytes, at: int) -> tuple[Column, int]:
    parameters = tensor.get("parameters") or {}
    size = parameters.get(SIZE) if isinstance(parameters, dict) else None
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(binary) - at or "data" in tensor:
            raise _wrong(f"{SIZE} is the number of bytes that a tensor has behind the JSON, and then it has no data.")
        return _from_bytes(binary[at : at + size], str(tensor["datatype"]), rows), at + size
    data = tensor.get("data")
    if isinstance(data, list) and len(data) == rows and all(isinstance(cell, list) and len(cell) == 1 for cell in data):
        data = [cell[0] for cell in data]
    if not isinstance(data, list) or len(data) != rows:
        raise _wrong("The data of a tensor is an array of as many values as its shape says.")
    kinds = (str,) if tensor["datatype"] == TEXTS else (int, float, bool)
    if not {type(value) for value in data} <= {*kinds, type(None)}:
        raise _wrong("The values of a tensor are of its datatype, or null where one is missing.")
    return data, at


def _from_bytes(data: bytes, kind: str, rows: int) -> Column:
    if kind != TEXTS:
        if len(data) != rows * np.dtype(NUMBERS[kind]).itemsize:
            raise _wrong("A binary tensor has as many bytes as its shape and datatype say.")
        return np.frombuffer(data, dtype=NUMBERS[kind]).astype(np.float64)
    texts: list[object] = []
    at = 0
    try:
        for _ in range(rows):
            length = struct.unpack_from("<I", data, at)[0]
            end = at + 4 + length
            if end > len(data):
                raise struct.error
            texts.append(data[at + 4 : end].decode("utf-8") or None)
            at = end
    except (struct.error, UnicodeDecodeError):
        raise _wrong("A binary tensor of BYTES is, for each text, its length in four bytes and its UTF-8.") from None
    if at != len(data):
        raise _wrong("A binary tensor of BYTES is longer than its texts.")
    return texts


def tensor(name: str, values: Sequence[Any], kind: str) -> dict[str, Any]:
    """Return an output as JSON has it."""
    return {"name": name, "datatype": kind, "shape": [len(values)], "data": list(values)}


def packed(one: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return an output as the binary form has it: its head, and its values; a missing number is NaN."""
    head = {key: value for key, value in one.items() if key != "data"}
    if one["datatype"] == TEXTS:
        texts = [str(value or "").encode() for value in one["data"]]
        data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        numbers: NDArray[Any] = np.array(one["data"], dtype=NUMBERS[one["datatype"]])
        data = numbers.tobytes()
    return head | {"parameters": {SIZE: len(data)}}, data


def split_body(body: bytes, announced: str | None) -> tuple[bytes, bytes]:
    """Cut a body into its JSON, of the length that a header announced, and what follows."""
    if announced is None:
        return body, b""
    if not (announced.isascii() and announced.isdigit() and int(announced[:12]) <= len(body)):
        raise _wrong("Inference-Header-Content-Length is the length of the JSON at the beginning of the body.")
    return body[: int(announced)], body[int(announced) :]


def joined(answer: dict[str, Any], parts: Sequence[bytes]) -> tuple[bytes, int]:
    """Return an answer in the binary form, and the length of its JSON."""
    head = json.dumps(answer, allow_nan=False).encode()
    return b"".join([head, *parts]), len(head)


def _wrong(detail: str) -> Problem:
    return Problem("invalid_request", detail)
