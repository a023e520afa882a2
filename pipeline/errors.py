"""Every error a user can cause, in one tree; each message names the thing and the remedy.

SkyScriptError
├── InputError      a file, a row or a key from outside is not what it should be   exit code 2
├── ConfigError     the configuration cannot be used                               exit code 2
├── StorageError    the disk refuses (full, read-only, gone)                       exit code 2
├── LockError       another run holds the folder                                   exit code 2
├── RemoteError     a server does not give what it should, however often it is asked exit code 1
├── SchemaError     a stage broke its contract: a defect of ours, never the user's exit code 1
└── ItemsFailed     the run ended, but some shards or rows failed (each is named)   exit code 1
"""


class SkyScriptError(Exception):
    """An error whose message alone tells the user what to do; shown without a traceback."""

    exit_code = 1


class InputError(SkyScriptError):
    """Data from outside cannot be used: the message names the file, the row or the key."""

    exit_code = 2


class ConfigError(SkyScriptError):
    """The configuration cannot be used: the message names the file and the key."""

    exit_code = 2


class StorageError(SkyScriptError):
    """The run folder cannot be written."""

    exit_code = 2


class LockError(SkyScriptError):
    """Another run is at work in the same folder."""

    exit_code = 2


class RemoteError(SkyScriptError):
    """A server does not give what it should, however often it is asked."""


class SchemaError(SkyScriptError):
    """A table does not have the schema that its stage promised; shows both sides."""


class ItemsFailed(SkyScriptError):
    """The run came to its end, and some of its shards or rows failed."""
