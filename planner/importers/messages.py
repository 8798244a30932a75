"""Protocol buffers of other programs, with the few fields that are read of them written down as a list.

Fields that are not listed are skipped. Text is read as bytes: a name that is not UTF-8 is no reason to refuse a file.
Classes live in a pool of their own, for TensorFlow or wandb in the same process may know others of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

__all__ = ["BYTES", "DOUBLE", "FLOAT", "INT", "DecodeError", "message_class"]

_Field = descriptor_pb2.FieldDescriptorProto
DOUBLE, FLOAT, INT, BYTES = _Field.TYPE_DOUBLE, _Field.TYPE_FLOAT, _Field.TYPE_INT64, _Field.TYPE_BYTES


def message_class(schema: Mapping[str, Mapping[str, tuple[int, int | str, bool]]]) -> Any:
    """The class of the first message of a schema.

    Args:
        schema: Message to field to (number, type or name of a message, repeated).
    """
    file = descriptor_pb2.FileDescriptorProto(name="log.proto", package="log", syntax="proto2")
    for message, fields in schema.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".log.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"log.{next(iter(schema))}"))
