"""All errors that a user can cause. Each message names the file, row or key and the remedy.

SkyScriptError
├── InputError      an input file, row or key cannot be used                       exit code 2
├── ConfigError     the configuration cannot be used                               exit code 2
├── StorageError    the disk is full, read-only or gone                            exit code 2
├── LockError       another process works in the folder                            exit code 2
├── RemoteError     a server keeps answering wrongly                               exit code 1
├── SchemaError     a stage broke its contract: a bug in SkyScript, not in the data exit code 1
└── ItemsFailed     the run ended, but some shards or rows failed (each is named)  exit code 1
"""


class SkyScriptError(Exception):
    """An error whose message is enough for the user; the command line shows no traceback."""

    exit_code = 1
    keeps = ""
    """Characters that cannot be printed and yet are part of the message: line ends."""

    def __str__(self) -> str:
        """Give the message. What cannot be printed is escaped: the message may quote any file."""
        return escape_unprintable(super().__str__(), self.keeps)


class InputError(SkyScriptError):
    """Input data cannot be used; the message names the file, the row or the key."""

    exit_code = 2


class ConfigError(SkyScriptError):
    """The configuration cannot be used; the message names the file and the key."""

    exit_code = 2


class StorageError(SkyScriptError):
    """The disk cannot be written: it is full, read-only or gone."""

    exit_code = 2


class LockError(SkyScriptError):
    """Another process works in the same folder."""

    exit_code = 2


class RemoteError(SkyScriptError):
    """A server keeps answering wrongly, after all retries."""


class SchemaError(SkyScriptError):
    """A table does not have the schema that its stage declares; the message shows both."""

    keeps = "\n"


class ItemsFailed(SkyScriptError):
    """The run ended, but some of its shards or rows failed."""

    keeps = "\n"


def escape_unprintable(text: str, kept: str = "") -> str:
    """Give a text in which control characters and marks of direction are escapes."""
    if text.isprintable():
        return text
    plain = (
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode()
        for each in text
    )
    return "".join(plain)
