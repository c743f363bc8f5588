"""Another process, in which a component continues from a stored state."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hybrid.testing.contract import ContractError, NotTried

PATIENCE_S = 600
_UNKNOWN_THERE = 77
_PROGRAM = f"""
import pickle, sys
with open(sys.argv[1], "rb") as file:
    sys.path[:] = pickle.load(file)
    try:
        function, arguments = pickle.load(file)
    except (ImportError, AttributeError) as error:
        print(error, file=sys.stderr)
        sys.exit({_UNKNOWN_THERE})
answer = pickle.dumps(function(*arguments))
with open(sys.argv[2], "wb") as file:
    file.write(answer)
"""


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """What ``function`` of these arguments gives in a new process that shares nothing with this one.

    Raises
    ------
    NotTried: an argument cannot be sent, as a lambda or what the script itself defines. ContractError: it failed there.
    """
    try:
        call = pickle.dumps((function, arguments))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NotTried(f"{error}; give a class or a function of a module") from None
    if b"__main__" in call:
        raise NotTried("it is defined in the script itself; put it into a module")
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "call", Path(folder) / "answer"
        given.write_bytes(pickle.dumps([*sys.path, str(Path.cwd())]) + call)
        command = [sys.executable, "-c", _PROGRAM, str(given), str(answer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise ContractError(f"in another process it has not ended after {PATIENCE_S} s") from None
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if done.returncode == _UNKNOWN_THERE:
            raise NotTried(f"another process cannot import it ({last})")
        if done.returncode or not answer.exists():
            raise ContractError(f"in another process it failed: {last}")
        return pickle.loads(answer.read_bytes())
