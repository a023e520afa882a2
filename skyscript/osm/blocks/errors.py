"""The one error by which the block decoder hands a file back."""


class NotTakenError(Exception):
    """The block decoder does not read this file; its text says why. Libosmium reads or refuses it.

    It may come late, when a part of the file has been read: the reader's caller starts again.
    """
