"""A picture of every mass model: a time course, and what it is known for (all: 20 s on one core, once compiled).

python examples/model_gallery.py --out docs/models --only Epileptor
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from gallery import columns, epilepsy, loops, oscillators, populations

from hybrid.plot.style import letter, our_style

GALLERY = {  # name: what computes, what draws it into a left and a right panel
    "WilsonCowan": (oscillators.wilson_cowan, oscillators.draw_wilson_cowan),
    "JansenRit": (columns.jansen_rit, columns.draw_jansen_rit),
    "Wendling": (columns.wendling, columns.draw_wendling),
    "Epileptor": (epilepsy.epileptor, epilepsy.draw_epileptor),
    "Epileptor2D": (epilepsy.epileptor_2d, epilepsy.draw_epileptor_2d),
    "KIonEx": (epilepsy.k_ion_ex, epilepsy.draw_k_ion_ex),
    "PotassiumWilsonCowan": (epilepsy.potassium_wilson_cowan, epilepsy.draw_potassium_wilson_cowan),
    "MontbrioPazoRoxin": (populations.montbrio_pazo_roxin, populations.draw_montbrio_pazo_roxin),
    "ReducedWongWang": (populations.reduced_wong_wang, populations.draw_reduced_wong_wang),
    "WongWangExcInh": (populations.wong_wang_exc_inh, populations.draw_wong_wang_exc_inh),
    "Kuramoto": (oscillators.kuramoto, oscillators.draw_kuramoto),
    "StuartLandau": (oscillators.stuart_landau, oscillators.draw_stuart_landau),
    "Generic2dOscillator": (oscillators.generic_2d_oscillator, oscillators.draw_generic_2d_oscillator),
    "thalamocortical": (loops.thalamus_and_cortex, loops.draw_thalamus_and_cortex),
    "basal_ganglia": (loops.subthalamus_and_pallidum, loops.draw_subthalamus_and_pallidum),
}
SHOWN_IN = {"Robinson": "thalamocortical", "FiringRate": "basal_ganglia"}  # populations, by their loop


def picture(name, found, path):
    with our_style():
        figure, panels = plt.subplots(1, 2, figsize=(11.5, 4), layout="constrained")
        GALLERY[name][1](*panels, found)
        for panel, text in zip(panels, "ab", strict=True):
            letter(panel, text)
        figure.savefig(path, dpi=100, facecolor="white")
        plt.close(figure)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", default="docs/models", help="folder of the pictures")
    options.add_argument("--only", nargs="+", choices=GALLERY, default=list(GALLERY), metavar="MODEL")
    options = options.parse_args()
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        found = GALLERY[name][0]()
        picture(name, found, folder / f"{name}.png")
        figures = ", ".join(f"{key} {value:.4g}" for key, value in vars(found).items() if isinstance(value, float))
        print(f"{name}: {figures}" if figures else name)


if __name__ == "__main__":
    main()
