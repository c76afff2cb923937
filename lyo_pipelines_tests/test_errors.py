"""One base for every error of ours, and what the command says of those and of all others."""

from __future__ import annotations

import ast
import builtins
import errno
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import lyo_pipelines
from lyo_pipelines import cli
from lyo_pipelines.errors import LyoError
from lyo_pipelines.evaluation.endpoints.client import EndpointError
from lyo_pipelines.faults import EXIT_CODE, fault_report
from lyo_pipelines.machine import AddressInUseError, ForbiddenError, FullDiskError, machine_explained
from lyo_pipelines.segments import parse_segment

PACKAGE = Path(lyo_pipelines.__file__).parent
NO_ERRORS_OF_A_PERSON = {
    "ClientGoneError": "whoever asked the gateway takes no more of the answer",
    "ComparisonFailedError": "the process that measures examples for a search failed: a fault of ours, told with its report",
    "DamagedDayError": "a day that a look at a release leaves out, and names",
    "EngineBusyError": "an engine's queue is full: the door answers 429",
    "Interrupted": "training was asked to stop and did so",
    "JournalFullError": "a row is not on the disk: the door answers 503",
    "NotSureError": "rows cannot be taken out of a file with all others as they are: the whole file is set aside",
    "RejectedError": "a document that becomes a rejected row of its set",
    "RowError": "a row of a log that becomes a rejected row of the lake",
    "TooLargeError": "a number in an answer that nobody would write out: the answer is read as text",
    "TrialFaultError": "a trial of a search ended by a fault of ours, told with its report",
    "UnreadableError": "a part of an answer that is no value: the answer is read as text",
}
"""Exceptions that are signals inside one room; each says so in its docstring."""


def exception_classes() -> Iterator[tuple[str, str, list[str]]]:
    """Module, name and bases of every exception class of the package; read, not imported, so that no torch is loaded."""
    classes = [
        (str(path.relative_to(PACKAGE)), node.name, [ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases])
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    known = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    while added := {name for _, name, bases in classes if name not in known and known.intersection(bases)}:
        known |= added
    return ((module, name, bases) for module, name, bases in classes if known.intersection(bases))


def test_every_exception_of_ours_derives_from_the_one_base():
    bases = {name: bases for _, name, bases in exception_classes()}

    def derives(name: str) -> bool:
        return name == LyoError.__name__ or any(derives(base) for base in bases.get(name, []))

    assert len(bases) > 70
    assert {name for name in bases if not derives(name)} == set(NO_ERRORS_OF_A_PERSON)


def test_no_two_exceptions_share_a_name():
    names = [name for _, name, _ in exception_classes()]
    assert sorted(names) == sorted(set(names))


def test_an_error_reads_as_sentences_and_survives_the_way_between_processes():
    error = EndpointError("the key is wrong", hint="Set API_KEY.", useless=True)
    assert str(error) == "the key is wrong. Set API_KEY."
    assert str(LyoError("Nothing is there.", hint="Make it.")) == "Nothing is there. Make it."
    assert str(LyoError("nothing is there")) == "nothing is there"
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.hint, back.useless) == (str(error), "Set API_KEY.", True)
    assert str(pickle.loads(pickle.dumps(FullDiskError("full", hint="Free it.")))) == "full. Free it."


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ENOSPC, FullDiskError, "the disk of /data is full. Free some space and run it again."),
        (errno.EROFS, ForbiddenError, "/data/x: read-only file system. Give this account the right"),
        (errno.EADDRINUSE, AddressInUseError, "another program listens"),
    ],
)
def test_what_is_wrong_with_the_machine_is_no_fault_of_ours(number: int, kind: type[LyoError], says: str):
    with pytest.raises(kind) as raised, machine_explained("/data"):
        raise OSError(number, "Read-only file system" if number == errno.EROFS else "told", "/data/x")
    assert says in str(raised.value)


def test_other_errors_of_files_stay_what_they_are():
    with pytest.raises(FileNotFoundError), machine_explained("/data"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")


def exit_of(monkeypatch: pytest.MonkeyPatch, error: Exception) -> int | str | None:
    def raising() -> None:
        raise error

    monkeypatch.setattr(cli, "app", raising)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


def test_the_command_tells_an_error_and_what_to_do_on_stderr(monkeypatch, capsys):
    monkeypatch.delenv("LYO_TRACEBACK", raising=False)
    assert exit_of(monkeypatch, LyoError("segment [x] is unknown", hint="See `lyo status` [all].")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "segment [x] is unknown\nSee `lyo status` [all].\n" in err
    assert "Traceback" not in err
    assert exit_of(monkeypatch, OSError(errno.ENOSPC, "No space left on device")) == 1
    assert "Free some space" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [ValueError("a surprise"), RuntimeError("a surprise"), FileNotFoundError("a surprise")]
)
def test_an_exception_that_nobody_foresaw_is_told_as_a_fault_of_ours(error, monkeypatch, capsys):
    assert exit_of(monkeypatch, error) == EXIT_CODE
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert "fault of lyo_pipelines" in told and "issue tracker" in told
    assert "Python 3." in told and "command: " in told
    last = told.rstrip().splitlines()[-1]
    assert last.startswith(f"  fault: {type(error).__name__} in lyo_pipelines/cli.py:") and last.endswith(
        ": a surprise"
    )


def test_a_report_of_a_fault_names_the_deepest_line_of_ours():
    try:
        parse_segment(3)  # type: ignore[arg-type]
    except AttributeError as error:
        told = fault_report(error, ["lyo", "train", "a b"])
    assert "command: lyo train 'a b'" in told
    assert "AttributeError in lyo_pipelines/segments.py:" in told.splitlines()[-1]
    assert "(parse_segment)" in told.splitlines()[-1]
