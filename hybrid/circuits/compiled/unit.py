"""Writes a gathered network as one translation unit, and names what the library made of it will hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.preferences import prefs
from brian2.core.variables import DynamicArrayVariable
from numpy.typing import NDArray

from hybrid.bits import portable
from hybrid.circuits.compiled.constants import are_exact
from hybrid.circuits.compiled.device import LibraryDevice, Sources
from hybrid.circuits.compiled.limits import Limits, limits_of
from hybrid.circuits.compiled.portable import elementary_source, portable_lines, strict_flags
from hybrid.circuits.layout import (
    InjectionInput,
    Layout,
    ReadoutOutput,
    SpikeOutput,
    full_name,
    steps_between,
)
from hybrid.circuits.watch import CHECK_EVERY_STEPS, FEW, VALUES_A_STEP, watch
from hybrid.units import FloatArray

UNIT, ELEMENTARY = "unit.cpp", "elementary.cpp"


@dataclass(frozen=True)
class Slot:
    """Where an array stands in the library's table of its kind, and of what type it is."""

    index: int
    dtype: np.dtype[Any]
    resizable: bool = False


@dataclass
class Options:
    """What the user and Brian2's preferences ask of compiler and linker."""

    compile: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


@dataclass
class Unit:
    """The source of a library, and what it holds by name.

    ``sources`` and ``options`` decide what is compiled; ``initial``, the values given as arrays, and ``values``, the numbers
    that the code names, do not: a library serves all of them.
    """

    sources: Sources
    options: Options
    arrays: dict[str, Slot]
    tables: dict[str, Slot]
    initial: list[NDArray[Any]]
    values: FloatArray
    pathways: list[str]
    named: dict[str, str]  # full name of a variable -> its array or table
    watched: list[str]
    limits: Limits


def write_unit(device: LibraryDevice, network: Any, layout: Layout, dt_s: float, constants: str) -> Unit:
    """Everything that is needed to compile ``network``, which ``device`` has gathered, and to use the library.

    ``constants``: as for :class:`hybrid.circuits.Microcircuit`.
    """
    vectors = sorted((v for v in device.arrays if v not in device.dynamic_arrays_2d), key=device.arrays.__getitem__)
    tables = sorted(device.dynamic_arrays_2d, key=device.dynamic_arrays_2d.__getitem__)
    pathways = sorted({code.owner.name for code in device.code_objects.values() if _pushes(code)})
    watched = watch(network)
    options = _options(device)
    sources, values = device.write(constants == "values" or (constants == "auto" and are_exact(options.compile)))
    _write_face(
        device,
        sources,
        schedule=_schedule(network, dt_s),
        clocks=[_clock(device, each, dt_s) for each in sorted(device.clocks, key=lambda clock: clock.name)],
        arrays=[device.c_array(each) for each in vectors],
        tables=[(device.dynamic_arrays_2d[each], c_data_type(each.dtype)) for each in tables],
        initial=sorted(device.static_arrays),
        pathways=[(path, f"_before_run_{path}_push_spikes") for path in pathways],
        inputs=[device.c_array(each.space)["vector"] for each in layout.inputs.values()],
        injections=[_injection(device, each) for each in layout.injections.values()],
        spikes=[_spike_output(device, each) for each in layout.spikes.values()],
        readouts=[_readout(device, each) for each in layout.readouts.values()],
        watched=[
            {**device.c_array(each), "is_differential": str(k in watched.differential).lower()}
            for k, each in enumerate(watched.all())
        ],
        watched_cells=len(watched.cells),
        watched_synapses=len(watched.synapses),
        check_every=CHECK_EVERY_STEPS,
        values_a_step=VALUES_A_STEP,
        few=FEW,
        number_of_values=len(values),
        portable=portable(),
    )
    variables = {**layout.variables, **{full_name(each): each for each in watched.all()}}
    named = {name: device.dynamic_arrays_2d.get(each, device.arrays[each]) for name, each in variables.items()}
    return Unit(
        sources,
        options,
        arrays={device.arrays[each]: _slot(k, each) for k, each in enumerate(vectors)},
        tables={device.dynamic_arrays_2d[each]: _slot(k, each) for k, each in enumerate(tables)},
        initial=[np.ascontiguousarray(values) for _, values in sorted(device.static_arrays.items())],
        values=np.array(values, np.float64),
        pathways=pathways,
        named=named,
        watched=[full_name(each) for each in watched.all()],
        limits=limits_of(network.sorted_objects, {each: device.arrays[each] for each in vectors}, dt_s),
    )


def _write_face(device: LibraryDevice, sources: Sources, **names: Any) -> None:
    """Render this package's own part of the library, which is about ``names``, and the unit that includes all parts."""
    templates = device.code_object_class().templater
    for part in ("prelude", "values", "life", "face"):
        sources[f"{part}.cpp"] = getattr(templates, part)(None, None, **names)
    if portable():
        sources[ELEMENTARY] = elementary_source()
    sources[UNIT] = _one_translation_unit(device, sources)


def _slot(index: int, variable: Any) -> Slot:
    return Slot(index, np.dtype(variable.dtype), isinstance(variable, DynamicArrayVariable))


def _clock(device: LibraryDevice, clock: Any, dt_s: float) -> dict[str, Any]:
    arrays = {key: device.arrays[clock.variables[key]] for key in ("timestep", "dt", "t")}
    return {"name": clock.name, "every": steps_between(clock, dt_s, clock.name), **arrays}


def _pushes(code: Any) -> bool:
    return bool(code.template_name == "synapses_push_spikes")


def _schedule(network: Any, dt_s: float) -> list[tuple[str, int]]:
    """The functions of a step in Brian2's order, each with how often it runs."""
    return [
        (f"_run_{code.name}", steps_between(each.clock, dt_s, each.name))
        for each in network.sorted_objects
        if each.active
        for code in each._code_objects
    ]


def _injection(device: LibraryDevice, into: InjectionInput) -> dict[str, Any]:
    return {**device.c_array(into.variable), "start": into.start, "elements": into.size}


def _spike_output(device: LibraryDevice, output: SpikeOutput) -> dict[str, Any]:
    extent = {"start": output.start, "stop": output.start + output.size, "every": output.every}
    return {**device.c_array(output.space), **extent}


def _readout(device: LibraryDevice, output: ReadoutOutput) -> dict[str, Any]:
    extent = {"start": output.start, "elements": output.elements}
    return {**device.c_array(output.variable), **extent, "how": "append_mean" if output.average else "append_all"}


def _one_translation_unit(device: LibraryDevice, sources: Sources) -> str:
    """Headers once, then each code object in a namespace of its own: their helpers have the same names."""
    headers: list[str] = []
    parts: list[str] = []
    elementary = [f'#include "{ELEMENTARY}"'] if ELEMENTARY in sources else []
    for code in device.code_objects.values():
        for block in ("run", *code.before_after_blocks):
            file = code.name if block == "run" else f"{block}_{code.name}"
            lines = sources[f"code_objects/{file}.cpp"].splitlines()
            headers += [each.strip() for each in lines if each.lstrip().startswith("#include")]
            body = [each for each in lines if not each.lstrip().startswith("#include")]
            parts += [
                f"namespace code_{file} {{",
                "using hybrid::cout;",
                "using hybrid::exit;",
                "using hybrid::nan;",
                "using namespace hybrid::values;",
                *(portable_lines(body) if elementary else body),
                "}",
            ]
            parts += [f"using code_{file}::_{block}_{code.name};"]
    wanted = dict.fromkeys(each for each in headers if '"code_objects/' not in each)
    rest = [f'#include "{file}.cpp"' for file in ("objects", "network", "main", "life", "face")]
    first = [*elementary, *wanted, '#include "prelude.cpp"', '#include "values.cpp"']
    return "\n".join([*first, *parts, *rest, ""])


def _options(device: LibraryDevice) -> Options:
    """As Brian2 does for its own builds: preferences, the device's lists, and what user functions ask for."""

    def asked(key: str) -> list[Any]:
        codes = [each for code in device.code_objects.values() for each in code.compiler_kwds.get(key, [])]
        return list(dict.fromkeys([*getattr(device, key, []), *prefs.get(f"codegen.cpp.{key}", []), *codes]))

    flags = prefs["codegen.cpp.extra_compile_args"]
    if flags is None:
        flags = prefs["codegen.cpp.extra_compile_args_gcc"]
    macros = [f"-D{key}" if value is None else f"-D{key}={value}" for key, value in asked("define_macros")]
    flags = [*device.extra_compile_args, *flags]
    return Options(
        compile=[
            *(strict_flags(flags) if portable() else flags),
            *macros,
            *(f"-I{each}" for each in asked("include_dirs")),
        ],
        link=[
            *(f"-L{each}" for each in asked("library_dirs")),
            *(f"-Wl,-rpath,{each}" for each in asked("runtime_library_dirs")),
            *(f"-l{each}" for each in asked("libraries")),
            *device.extra_link_args,
            *prefs["codegen.cpp.extra_link_args"],
        ],
        sources=asked("sources"),
    )
