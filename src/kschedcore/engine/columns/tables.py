"""Arrow tables from users: columns are checked once and read as a whole.

Messages count rows from 0 and name the table, the row, the column, the value and what was expected.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kschedcore.api.labels import is_qualified_name
from kschedcore.errors import UsageError

ALLOCATABLE = "allocatable/"
REQUESTED = "requested/"
REQUESTS = "requests/"
LABEL = "label/"
LABELS = "labels"
FEATURES = "declaredFeatures"

NULL = -1


class ArrowStream(Protocol):
    """A table that exports itself through the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table as a C stream."""


class Coded(NamedTuple):
    """A dictionary-encoded column of strings.

    Attributes:
        codes: int32[n]: the index of the row's text in ``values``, ``NULL`` where it is null.
        values: The distinct texts, each used by some row.
    """

    codes: npt.NDArray[np.int32]
    values: list[str]

    def at(self, row: int) -> str | None:
        """Return the text of a row."""
        code = self.codes[row]
        return None if code == NULL else self.values[code]

    def first_rows(self) -> list[int]:
        """Return the first row of each value."""
        rows: list[int] = _first_rows(self.codes, len(self.values)).tolist()
        return rows


class Amounts(NamedTuple):
    """A column of integers: int64[n], 0 where null, and bool[n], the validity."""

    numbers: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_]

    def at(self, row: int) -> int | None:
        """Return the number of a row."""
        return int(self.numbers[row]) if self.valid[row] else None


class Table:
    """An Arrow table.

    Args:
        source: Anything with ``__arrow_c_stream__`` (pyarrow, polars, duckdb, pandas).
        what: What the rows are, for messages: ``nodes`` or ``pods``.

    Raises:
        UsageError: The source is not an Arrow table.
    """

    def __init__(self, source: ArrowStream, what: str) -> None:
        if not hasattr(source, "__arrow_c_stream__"):
            raise UsageError(f"{type(source).__name__} is not an Arrow table: it has no __arrow_c_stream__")
        try:
            self._table = pa.RecordBatchReader.from_stream(source).read_all()
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UsageError(f"{type(source).__name__} is not an Arrow table: {error}") from None
        self._what = what
        names = self._table.column_names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"the table of {what} has two columns {twice!r}")

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __contains__(self, name: str) -> bool:
        return name in self._table.column_names

    def refuse_unknown(self, columns: Iterable[str], families: Iterable[str]) -> None:
        """Refuse columns that would not be read, since a misspelt name would change decisions.

        Args:
            columns: The names of columns that are read.
            families: The prefixes of columns that are read.

        Raises:
            UsageError: There is another column; the message suggests the nearest name.
        """
        known, prefixes = tuple(columns), tuple(families)
        for name in self._table.column_names:
            if name in known or name.startswith(prefixes):
                continue
            family, slash, rest = name.partition("/")
            choices = (
                {prefix.rstrip("/"): prefix + rest for prefix in prefixes}
                if slash
                else dict(zip(known, known, strict=True))
            )
            close = difflib.get_close_matches(family, choices, n=1, cutoff=0.5)
            hint = (
                f"did you mean {choices[close[0]]!r}?"
                if close
                else f"expected {', '.join([*known, *(f'{prefix}…' for prefix in prefixes)])}"
            )
            raise UsageError(f"the table of {self._what} has an unknown column {name!r}; {hint}")

    def fault(self, row: int, column: str, found: object, expected: str) -> UsageError:
        """Return the error for an invalid value of a column."""
        return UsageError(
            f"row {row} of the table of {self._what}: column {column!r} is {found!r}; expected {expected}"
        )

    def _array(self, name: str) -> pa.Array:
        column = self._table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        array = column.combine_chunks()
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array

    def _of_type(self, name: str, *, fits: bool, expected: str) -> None:
        if not fits:
            found = self._table.column(name).type
            raise UsageError(
                f"column {name!r} of the table of {self._what} has type {found}; expected {expected}"
            )

    # -- columns of one type --------------------------------------------------------------------------

    def texts(self, name: str) -> Coded:
        """Return a column of strings, plain or dictionary-encoded."""
        array = self._array(name)
        self._of_type(name, fits=_is_text(array.type) or pa.types.is_null(array.type), expected="strings")
        return coded(array)

    def needed_texts(self, name: str) -> Coded:
        """Return a required column of strings, none of them null or empty."""
        if name not in self:
            raise UsageError(f"a table of {self._what} needs a column {name!r}")
        found = self.texts(name)
        missing = found.codes == NULL
        if "" in found.values:
            missing |= found.codes == found.values.index("")
        if missing.any():
            row = int(missing.argmax())
            raise self.fault(row, name, found.at(row), "a name")
        return found

    def amounts(self, name: str) -> Amounts:
        """Return a column of integers from 0 to 2**63 - 1."""
        return self._integers(name, 0, (1 << 63) - 1, "an integer from 0 to 2**63 - 1")

    def priorities(self, name: str) -> Amounts:
        """Return a column of integers that fit into 32 bits."""
        return self._integers(name, -(1 << 31), (1 << 31) - 1, "an integer of 32 bits")

    def _integers(self, name: str, least: int, most: int, expected: str) -> Amounts:
        array = self._array(name)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        self._of_type(
            name, fits=pa.types.is_integer(array.type) or pa.types.is_null(array.type), expected="integers"
        )
        if pa.types.is_uint64(array.type):
            beyond = pc.index(
                pc.greater(array, pa.scalar(min(most, (1 << 63) - 1), pa.uint64())), True
            ).as_py()
            if beyond >= 0:
                raise self.fault(beyond, name, array[beyond].as_py(), expected)
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        numbers = array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        wrong = (numbers < least) | (numbers > most)
        if wrong.any():
            row = int(wrong.argmax())
            raise self.fault(row, name, int(numbers[row]), expected)
        return Amounts(np.ascontiguousarray(numbers, np.int64), valid)

    def seconds(self, name: str) -> Amounts:
        """Return a column of timestamps, in whole seconds since 1970; those without a time zone are UTC."""
        array = self._array(name)
        fits = pa.types.is_timestamp(array.type) or pa.types.is_null(array.type)
        self._of_type(name, fits=fits, expected="timestamps")
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        whole = array.cast(pa.timestamp("s"), safe=False) if pa.types.is_timestamp(array.type) else array
        return Amounts(whole.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), valid)

    def booleans(self, name: str) -> npt.NDArray[np.bool_]:
        """Return a column of booleans, null as false, bool[n]."""
        array = self._array(name)
        fits = pa.types.is_boolean(array.type) or pa.types.is_null(array.type)
        self._of_type(name, fits=fits, expected="booleans")
        values: npt.NDArray[np.bool_] = (
            array.cast(pa.bool_()).fill_null(False).to_numpy(zero_copy_only=False).astype(np.bool_)
        )
        return values

    def lists(self, name: str, fields: tuple[str, ...]) -> dict[int, list[dict[str, Any]]]:
        """Return row -> the structs of a column of lists, where there are any; each must have all ``fields``."""
        array = self._array(name)
        kind = array.type
        if pa.types.is_null(kind):
            return {}
        fits = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        # A library that infers types from values finds none for structs if all lists are empty.
        if fits and pa.types.is_null(kind.value_type) and not len(array.flatten()):
            return {}
        fits = fits and pa.types.is_struct(kind.value_type) and {*fields} <= {f.name for f in kind.value_type}
        self._of_type(name, fits=fits, expected=f"lists of structs with {' and '.join(fields)}")
        filled = np.flatnonzero(pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False))
        # Arrow cannot take rows of string views, which polars exports.
        found = {row: array[row].as_py() for row in filled.tolist()}
        for row, structs in found.items():
            for each in structs:
                if each is None or any(each[field] is None for field in fields):
                    raise self.fault(row, name, each, f"structs with {' and '.join(fields)}")
        return found

    def text_lists(self, name: str) -> list[list[str]]:
        """Return each row's texts of a column of lists of strings; null stands for none."""
        array = self._array(name)
        kind = array.type
        fits = pa.types.is_null(kind) or (
            (pa.types.is_list(kind) or pa.types.is_large_list(kind))
            and (_is_text(kind.value_type) or pa.types.is_null(kind.value_type))
        )
        self._of_type(name, fits=fits, expected="lists of strings")
        found: list[list[str]] = [row or [] for row in array.to_pylist()]
        for row, texts in enumerate(found):
            if None in texts:
                raise self.fault(row, name, None, "strings")
        return found

    # -- families of columns --------------------------------------------------------------------------

    def resources(self, prefix: str) -> dict[str, Amounts]:
        """Return resource -> its column ``prefix`` + resource."""
        return {
            name.removeprefix(prefix): self.amounts(name)
            for name in self._table.column_names
            if name.startswith(prefix)
        }

    def labels(self) -> dict[str, Coded]:
        """Return label key -> its column: of columns ``label/KEY``, and of ``labels``, a column of maps or structs.

        A ``label/KEY`` column has precedence.
        """
        found: dict[str, Coded] = {}
        if LABELS in self:
            array = self._array(LABELS)
            fits = (
                pa.types.is_map(array.type) or pa.types.is_struct(array.type) or pa.types.is_null(array.type)
            )
            self._of_type(LABELS, fits=fits, expected="maps or structs of strings")
            if pa.types.is_map(array.type):
                found = self._mapped(array)
            elif pa.types.is_struct(array.type):
                fields = zip(array.type, array.flatten(), strict=True)
                found = {field.name: self._label(field.name, values) for field, values in fields}
        for name in self._table.column_names:
            if name.startswith(LABEL):
                found[name.removeprefix(LABEL)] = self.texts(name)
        for key in found:
            for problem in is_qualified_name(key):
                raise UsageError(f"the table of {self._what} has labels with the key {key!r}: {problem}")
        return found

    def _label(self, key: str, values: pa.Array) -> Coded:
        fits = _is_text(values.type) or pa.types.is_null(values.type)
        self._of_type(LABELS, fits=fits, expected=f"strings under {key!r}")
        return coded(values)

    def _mapped(self, maps: pa.MapArray) -> dict[str, Coded]:
        """Return a column for each key of a column of maps."""
        self._of_type(
            LABELS,
            fits=_is_text(maps.type.key_type) and _is_text(maps.type.item_type),
            expected="maps of strings",
        )
        texts: dict[str, list[str | None]] = {}
        for row, pairs in enumerate(maps.to_pylist()):
            for key, value in pairs or ():
                texts.setdefault(key, [None] * len(maps))[row] = value
        return {key: coded(pa.array(values, pa.string())) for key, values in texts.items()}


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def coded(array: pa.Array) -> Coded:
    """Return an array of strings, dictionary-encoded."""
    if not pa.types.is_dictionary(array.type):
        if pa.types.is_string_view(array.type) or pa.types.is_null(array.type):
            array = _strings(array)
        array = array.dictionary_encode()
        return Coded(_numbers(array.indices), array.dictionary.to_pylist())
    # A dictionary from outside may have a value twice, or values of rows that were sliced off.
    own = _strings(array.dictionary).dictionary_encode()
    codes = np.append(_numbers(own.indices), np.int32(NULL))[_numbers(array.indices)]
    return _used(codes, own.dictionary.to_pylist())


def _strings(array: pa.Array) -> pa.StringArray:
    """Return an array of strings in the layout that all Arrow functions support."""
    try:
        return array.cast(pa.string())
    except pa.ArrowNotImplementedError:  # of string views, in the oldest versions of pyarrow
        return pa.array(array.to_pylist(), pa.string())


def _numbers(indices: pa.Array) -> npt.NDArray[np.int32]:
    codes = indices.cast(pa.int32()).fill_null(NULL).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(codes, np.int32)


def _used(codes: npt.NDArray[np.int32], values: list[str]) -> Coded:
    """Return a column without unused values."""
    used = np.bincount(codes[codes >= 0], minlength=len(values)).astype(np.bool_)
    fresh = np.append(np.cumsum(used) - 1, NULL).astype(np.int32)
    return Coded(fresh[codes], [value for value, wanted in zip(values, used, strict=True) if wanted])


def plain(column: Coded) -> pa.StringArray:
    """Return a column as a plain string array."""
    indices = pa.array(column.codes, mask=column.codes == NULL)
    return pa.DictionaryArray.from_arrays(indices, pa.array(column.values, pa.string())).dictionary_decode()


def distinct(
    rows: int, columns: Iterable[npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Group the rows that are equal in all of some columns.

    Args:
        rows: Number of rows.
        columns: Integer columns of ``rows`` entries.

    Returns:
        (int32[rows]: the group of each row, groups numbered by their first rows; int64[k]: those rows).
    """
    group: npt.NDArray[Any] = np.zeros(rows, np.int64)
    for column in columns:
        codes = pa.array(column).dictionary_encode()
        pairs = group.astype(np.int64) * len(codes.dictionary) + codes.indices.to_numpy()
        group = pa.array(pairs).dictionary_encode().indices.to_numpy()
    return np.ascontiguousarray(group, np.int32), _first_rows(group, int(group.max(initial=-1)) + 1)


def _first_rows(codes: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """Return the first row of each code, int64[count]."""
    rows = np.flatnonzero(codes >= 0)[::-1]
    first = np.zeros(count, np.int64)
    first[codes[rows]] = rows  # of several rows the last write remains
    return first
