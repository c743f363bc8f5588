"""What all rooms of the gallery use: a network that is run, its spectrum, its nullclines."""

from types import SimpleNamespace

import numpy as np
from scipy.signal import welch

from hybrid import Brain, Connectome, Every, Simulation, Stimulus
from hybrid.masses import MassNetwork
from hybrid.plot.style import GREY, INK


def alone(nodes=1):
    """Regions without tracts."""
    none = np.zeros((nodes, nodes))
    return Connectome(tuple(f"r{k}" for k in range(nodes)), none, none, np.zeros((nodes, 3)))


def run(network, duration_ms, *, tick_ms=0.1, every_ms=1.0, drives=(), seed=1):
    """Time (``t_ms``), rate and every variable of a network, as arrays ``[time, node]``.

    ``drives`` are pairs of a waveform and the regions it goes to (``None``: all), 1 ms later.
    """
    brain = Brain(tick_ms=tick_ms)
    brain.add(network)
    for k, (waveform, regions) in enumerate(drives):
        stimulus = brain.add(Stimulus(f"stimulus {k}", network.regions, waveform, regions=regions))
        brain.connect(stimulus["rate"], network["drive"], delay_ms=1.0)
    ports = {name: network[name] for name in ("rate", *network.model.variables)}
    record = [Every(port, every_ms, average=False) for port in ports.values()]
    results = Simulation(brain, seed=seed, record=record, transport="serial").run(duration_ms)
    values = {name: results[port].payload()[0] for name, port in ports.items()}
    return SimpleNamespace(t_ms=results.times_ms(network["rate"]), **values)


def lived(model, duration_ms, connectome=1, *, tick_ms=0.1, every_ms=1.0, drives=(), **options):
    """The same of a model on a connectome, or on so many regions without tracts; ``options`` are those of the network."""
    connectome = alone(connectome) if isinstance(connectome, int) else connectome
    network = MassNetwork("net", connectome, model, **options)
    return run(network, duration_ms, tick_ms=tick_ms, every_ms=every_ms, drives=drives)


def spectrum(values, every_ms, seconds=4.0):
    """Frequencies in Hz and the power of ``values[time]`` at them, averaged over stretches of so many seconds."""
    return welch(values, fs=1e3 / every_ms, nperseg=round(seconds * 1e3 / every_ms))


def peak_hz(hz, power, lowest=2.0):
    """Where the power above ``lowest`` Hz is greatest."""
    return float(hz[hz > lowest][np.argmax(power[hz > lowest])])


def rises(values, level):
    """Indices at which ``values[time]`` rises through a level."""
    return np.flatnonzero((values[:-1] < level) & (values[1:] >= level)) + 1


def nullclines(panel, model, x, y, colours=(INK, GREY), drive_hz=0.0, scale=(1.0, 1.0)):
    """Where the first variable of a model of two does not change, and where the second; ``scale`` is of the axes."""
    grid = np.meshgrid(x, y)
    state = np.stack([each.ravel() for each in grid])
    slopes = model.derivatives(state, np.zeros_like(state), drive_hz)
    for slope, colour, name in zip(slopes, colours, model.variables, strict=True):
        panel.contour(x * scale[0], y * scale[1], slope.reshape(grid[0].shape), [0.0], colors=colour, linewidths=1.4)
        panel.plot([], [], color=colour, lw=1.4, label=f"d{name}/dt = 0")
