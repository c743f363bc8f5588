"""What a file or a command line refers to by ``module:name``, checked before it is called, and its arguments."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from hybrid.errors import ConfigurationError, HybridError, UnknownNameError, shown, told, unknown

_OURS = ("hybrid", "adapters")
_PYTHONS = sys.stdlib_module_names | {"test"}  # modules that come with Python; none of them makes anything of ours


def resolve(reference: Any, home: str, folder: Path, contract: type | tuple[type, ...]) -> Callable[..., Any]:
    """The class or function of that name, which makes what ``contract`` says; nothing is called here.

    A bare name is looked up in ``home``, one of our modules, and never leads to a file. ``module:name`` leads to an installed
    module, else to one in ``folder``; a file there cannot take the place of an installed module, and modules that come with
    Python are refused before they are imported. What is found must be a class derived from the contract, or a function that
    is meant to make one: a public one, defined (not imported) in a module in ``folder``; or any that declares it by its return
    annotation (``-> Circuit``).
    """
    module_name, name = _names(reference, home)
    module, beside, hint = _imported(reference, module_name, folder)
    if not hasattr(module, name):
        public = getattr(module, "__all__", [each for each in vars(module) if not each.startswith("_")])
        raise UnknownNameError(str(unknown(f"{module_name}:", name, sorted(public))) + hint)
    found: Any = getattr(module, name)
    wanted = " or ".join(each.__name__ for each in (contract if isinstance(contract, tuple) else (contract,)))
    if isinstance(found, type):
        if not issubclass(found, contract):
            raise ConfigurationError(f"{reference!r} is a class, but not derived from {wanted}; name one that is")
        if inspect.isabstract(found):
            raise ConfigurationError(f"{reference} is abstract; name a class derived from it")
    elif not inspect.isfunction(found):
        raise ConfigurationError(
            f"{reference!r} is a {type(found).__name__}; name a class or function that makes a {wanted}"
        )
    elif not _declares(found, contract) and not (beside and _top(str(found.__module__)) == _top(module_name)):
        raise ConfigurationError(
            f"{reference!r} is a function that is not meant for experiments; one that is declares what it makes, "
            f"def {name}(...) -> {wanted}, or is defined in a module beside the experiment"
        )
    made_by: Callable[..., Any] = found
    return made_by


def resolve_function(reference: Any, home: str, folder: Path) -> Callable[..., Any]:
    """The public function of that name, looked up as :func:`resolve` does; nothing is called here.

    Modules that come with Python are refused, and so is what is no function.
    """
    module_name, name = _names(reference, home)
    module, _, hint = _imported(reference, module_name, folder)
    found: Any = getattr(module, name, None)
    if found is None:
        functions = [each for each, value in vars(module).items() if inspect.isfunction(value) and each[0] != "_"]
        raise UnknownNameError(str(unknown(f"{module_name}:", name, sorted(functions))) + hint)
    if not inspect.isfunction(found):
        raise ConfigurationError(f"{reference!r} is a {type(found).__name__}; name a function")
    function: Callable[..., Any] = found
    return function


def _names(reference: Any, home: str) -> tuple[str, str]:
    module_name, colon, name = str(reference).rpartition(":")
    module_name = module_name if colon else home
    parts = [*module_name.split("."), name]
    if not isinstance(reference, str) or not all(part.isidentifier() for part in parts):
        raise ConfigurationError(
            f"{shown(reference)} is no reference; write 'module:name', or the bare name of one of ours"
        )
    if any(part.startswith("_") for part in parts) and module_name != "__main__":
        raise ConfigurationError(f"{shown(reference)} names something private; only public names can be referred to")
    return module_name, name


def _imported(reference: str, module_name: str, folder: Path) -> tuple[ModuleType, bool, str]:
    """The module; whether it lies in ``folder`` (what is installed somewhere below it does not); what to add to errors."""
    top = _top(module_name)
    if top in _PYTHONS:
        raise ConfigurationError(
            f"{reference!r}: {top} is a module of Python itself, which makes nothing for an experiment; "
            f"name one of ours or of your own (a file of your own needs another name)"
        )
    importlib.invalidate_caches()
    installed, beside = _installed(top), PathFinder.find_spec(top, [str(folder)])
    if installed is not None and (beside is None or installed.origin is not None):  # a mere folder hides nothing
        same = beside is not None and _place(beside) == _place(installed)
        hint = (
            f"; {_place(beside)} is not used, as an installed module has its name: rename it"
            if beside and not same
            else ""
        )
        return _import(reference, module_name, hint), same and top not in _OURS, hint
    if beside is not None:
        return _import_from(folder, beside, reference, module_name), True, ""
    made_here = sys.modules.get(module_name)
    if made_here is not None and getattr(made_here, "__spec__", None) is None:  # a script, or a notebook
        return made_here, False, ""
    where = f"there is no {top} installed, nor {top}.py in {folder}"
    raise ConfigurationError(f"{reference!r}: module {module_name!r} cannot be imported ({where})")


def _installed(top: str) -> ModuleSpec | None:
    """Where a module is found without the experiment's folder, whatever has been imported so far."""
    found = (finder.find_spec(top, None, None) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)


def _top(module_name: str) -> str:
    return module_name.partition(".")[0]


def _place(spec: ModuleSpec) -> str:
    return str(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))


def _import_from(folder: Path, spec: ModuleSpec, reference: str, module_name: str) -> ModuleType:
    """Import with ``folder`` behind all else, so that no file in it takes the place of what others import."""
    loaded = sys.modules.get(spec.name)
    if loaded is not None and _place(spec) not in (getattr(loaded, "__file__", None), *getattr(loaded, "__path__", ())):
        for name in [each for each in sys.modules if _top(each) == spec.name]:
            del sys.modules[name]  # of another experiment, in another folder
    added = str(folder) not in sys.path
    if added:
        sys.path.append(str(folder))
    try:
        return _import(reference, module_name)
    finally:
        if added:
            with suppress(ValueError):
                sys.path.remove(str(folder))


def _import(reference: str, module_name: str, hint: str = "") -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigurationError(f"{reference!r}: module {module_name!r} cannot be imported ({error}){hint}") from None
    except (Exception, SystemExit) as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        what = told(error)
        raise ConfigurationError(
            f"{reference!r}: importing {module_name!r} fails with {what} ({at.filename}, line {at.lineno}){hint}"
        ) from error


def _declares(function: Callable[..., Any], contract: type | tuple[type, ...]) -> bool:
    """Whether its return annotation is a class of the contract; a text is looked up, not evaluated."""
    returned = function.__annotations__.get("return")
    if isinstance(returned, str):
        first, *rest = returned.split(".")
        returned = function.__globals__.get(first)
        for name in rest:
            returned = getattr(returned, name, None)
    return isinstance(returned, type) and issubclass(returned, contract)


def made(
    factory: Callable[..., Any], arguments: Mapping[str, Any], what: str, contract: type | tuple[type, ...]
) -> Any:
    """``factory(**arguments)``; unknown and missing arguments are named, with a guess at what was meant."""
    check_arguments(factory, arguments, what)
    try:
        result = factory(**arguments)
    except HybridError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"{what} cannot be made of {shown(dict(arguments), 200)}: {told(error)}") from error
    if not isinstance(result, contract):
        raise ConfigurationError(f"{what} made {shown(result)}; an experiment needs something else there")
    return result


def check_arguments(function: Callable[..., Any], arguments: Iterable[str], what: str) -> None:
    """Refuse arguments that a function does not have, and tell those it needs."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    known = [each.name for each in parameters]
    for name in arguments:
        if name not in known:
            raise unknown(f"{what}: parameter", name, known)
    missing = [each.name for each in parameters if each.default is each.empty and each.name not in arguments]
    if missing:
        raise ConfigurationError(f"{what} needs {', '.join(missing)}")
