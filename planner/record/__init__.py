"""The calibration record: all that `trainer` and `planner` share.

A record is a directory: `calibration.json` (written atomically) and one append-only `runs/<id>.jsonl` a run. One event
a line, closed by a CRC-32 of the line, flushed and fsynced wherever the trainer acknowledges it. Numbers and
enumerations only: no captions, no names, no paths. `pack` turns a record into one JSONL file for upload;
`read_calibration` reads both.
"""

from planner.record.events import (
    Answers,
    Calibration,
    Checkpoint,
    Eval,
    Event,
    Finished,
    Interrupted,
    LearningRateCheck,
    NonFinite,
    OutOfMemory,
    Probe,
    Rating,
    Run,
    Started,
    Train,
)
from planner.record.header import (
    SCHEMA_VERSION,
    UNKNOWN,
    CalibrationHeader,
    Configuration,
    Dataset,
    Hardware,
    Imported,
    LossKind,
    Schedule,
    XUnit,
)
from planner.record.imported import import_notes
from planner.record.reader import pack, parse_packed, read_calibration, write_packed
from planner.record.writer import (
    DISK,
    Disk,
    FileLayer,
    RunLog,
    create_record,
    encode_event,
    save_record,
    write_atomically,
    write_header,
)

__all__ = [
    "DISK",
    "SCHEMA_VERSION",
    "UNKNOWN",
    "Answers",
    "Calibration",
    "CalibrationHeader",
    "Checkpoint",
    "Configuration",
    "Dataset",
    "Disk",
    "Eval",
    "Event",
    "FileLayer",
    "Finished",
    "Hardware",
    "Imported",
    "Interrupted",
    "LearningRateCheck",
    "LossKind",
    "NonFinite",
    "OutOfMemory",
    "Probe",
    "Rating",
    "Run",
    "RunLog",
    "Schedule",
    "Started",
    "Train",
    "XUnit",
    "create_record",
    "encode_event",
    "import_notes",
    "pack",
    "parse_packed",
    "read_calibration",
    "save_record",
    "write_atomically",
    "write_header",
    "write_packed",
]
