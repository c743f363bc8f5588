"""Buffers between this rank and those that it shares connections with: one letter each way in an exchange."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LETTER = 8192  # bytes: what is no longer travels with its size, in one message
PIECE = 2**30  # bytes of one message at most; MPI counts in 32 bits
_SIZE = struct.Struct("<q")
_TAG, _REST_TAG = 1, 2
_LARGE = 2**16  # bytes of an array that travels by itself, so that no copy of it is made


class Mail:
    """The letters of one rank; ``comm`` is a communicator of mpi4py that nothing else sends such letters on.

    Every exchange a letter goes to each rank in ``to`` and comes from each in ``senders``: a size and, if it is small, the
    buffer itself. Larger ones follow in pieces when all letters have come.
    """

    def __init__(self, comm: Any, to: Iterable[int], senders: Iterable[int]) -> None:
        self._comm, self._to = comm, sorted(to)
        self._letters = {rank: bytearray(LETTER) for rank in sorted(senders)}
        self._receives = {rank: comm.Recv_init(letter, rank, _TAG) for rank, letter in self._letters.items()}

    def post(self, outgoing: Mapping[int, bytes]) -> list[Any]:
        """Send a letter to each receiver, an empty one where there is no buffer, and await theirs: the requests."""
        requests = list(self._receives.values())
        for request in requests:
            request.Start()
        for rank in self._to:
            buffer = outgoing.get(rank, b"")
            size = _SIZE.pack(len(buffer))
            letter = size + buffer if len(buffer) <= LETTER - _SIZE.size else size
            requests.append(self._comm.Isend(letter, rank, _TAG))
        return requests

    def silent(self) -> list[int]:
        """Ranks whose letter of this exchange has not come."""
        return [rank for rank, request in self._receives.items() if not request.Get_status()]

    def opened(self) -> tuple[dict[int, bytes], dict[int, bytearray]]:
        """By rank, what came whole with the letter, and room of the right size for what is to follow."""
        whole, following = {}, {}
        for rank, letter in self._letters.items():
            (size,) = _SIZE.unpack_from(letter)
            if size <= LETTER - _SIZE.size:
                whole[rank] = bytes(memoryview(letter)[_SIZE.size : _SIZE.size + size])
            else:
                following[rank] = bytearray(size)
        return whole, following

    def transfer(self, outgoing: Mapping[int, bytes], following: Mapping[int, bytearray]) -> dict[int, list[Any]]:
        """Send what no letter could hold, and receive the same: requests, by the other rank."""
        requests: dict[int, list[Any]] = {}
        for rank, room in following.items():
            requests.setdefault(rank, []).extend(received(self._comm, room, rank))
        for rank, buffer in outgoing.items():
            if len(buffer) > LETTER - _SIZE.size:
                requests.setdefault(rank, []).extend(sent(self._comm, buffer, rank))
        return requests

    def close(self) -> None:
        for request in self._receives.values():
            request.Free()


def sent(comm: Any, buffer: bytes, rank: int) -> list[Any]:
    """Requests of the pieces of a buffer, on their way to a rank."""
    return [comm.Isend(piece, rank, _REST_TAG) for piece in pieces(buffer)]


def received(comm: Any, room: bytearray, rank: int) -> list[Any]:
    """Requests of the pieces that will fill ``room`` from a rank."""
    return [comm.Irecv(piece, rank, _REST_TAG) for piece in pieces(room)]


def pieces(buffer: bytes | bytearray | memoryview) -> Iterator[memoryview]:
    """The buffer in views that one message can carry."""
    view = memoryview(buffer)
    return (view[start : start + PIECE] for start in range(0, len(view), PIECE))


def apart(value: Any) -> tuple[bytes, list[memoryview]]:
    """A value pickled, and the bytes of its large arrays, which are left out of that."""
    arrays: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes >= _LARGE:
            arrays.append(view)
        return view.nbytes < _LARGE

    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=keep), arrays
