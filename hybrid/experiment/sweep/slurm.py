"""A sweep as a job array of SLURM: the script that runs a share of the points in every task, and collects at the end."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from hybrid.errors import ConfigurationError
from hybrid.experiment.sweep.storage import LOGS, write_text

SCRIPT = "sweep.slurm"
MOST_TASKS = 1000  # SLURM's MaxArraySize is 1001 unless it was changed

_TEXT = """\
#!/bin/bash
#SBATCH --job-name={job}
#SBATCH --array=0-{last}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={threads}
#SBATCH --time={time}
#SBATCH --output={log}
#SBATCH --requeue

# {points:,} points in {tasks:,} tasks of up to {share:,}. Start it with
#     bash {script}
# which submits the array, and a job that writes the index when the array is over, however that went. Change the lines
# above as your cluster needs (--partition, --account, --mem, --array=...%50 for at most 50 tasks at a time). Points that
# are done are not run again: start it once more after a time limit, with RETRY=--retry-failed to run failed ones again.

set -eu
sweep={folder}
python={python}

if [ -z "${{SLURM_ARRAY_TASK_ID:-}}" ]; then
    array=$(sbatch --parsable "$sweep/{name}")
    sbatch --dependency="afterany:${{array%%;*}}" --job-name={job}-index --ntasks=1 --time=01:00:00 \\
        --output="$sweep/{logs}/index-%j.log" --wrap="$(printf '%q ' "$python" -m hybrid.cli sweep --out "$sweep" --collect)"
    exit
fi

export OMP_NUM_THREADS={threads}
first=$((SLURM_ARRAY_TASK_ID * {share}))
last=$((first + {share} - 1))
[ "$last" -lt {points_plain} ] || last={last_point}
# launched by hand, each task is a process by itself, whatever SLURM says of the job
unset SLURM_STEP_NUM_TASKS SLURM_PROCID PMI_SIZE PMI_RANK || true
exec "$python" -m hybrid.cli sweep --out "$sweep" --only "$first..$last" --threads {threads} ${{RETRY:-}}
"""


def write_script(folder: Path, name: str, points: int, tasks: int | None, threads: int, time: str) -> Path:
    """Write ``sweep.slurm`` into the folder of a sweep, which holds ``sweep.json`` already.

    Parameters
    ----------
    name: of the experiment, for the job.
    tasks: of the array; every one of them runs an equal share of the points, one after the other. 1,000 at most, or one a
        point, if left out.
    threads: processors of a task.
    time: limit of a task, as SLURM takes it.
    """
    if tasks is not None and tasks < 1:
        raise ConfigurationError(f"--tasks {tasks}: give a whole number, 1 or above")
    share = -(-points // min(tasks or MOST_TASKS, points))
    tasks = -(-points // share)
    folder = folder.resolve()
    if any(letter in str(folder) for letter in "\n\r%"):
        raise ConfigurationError(
            f"{folder}: SLURM cannot write its log into a folder of that name; choose another with --out"
        )
    job = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name) or "sweep"
    text = _TEXT.format(
        job=job,
        last=tasks - 1,
        threads=threads,
        time=time,
        log=_escaped(folder / LOGS / "%A_%a.log"),
        points=points,
        points_plain=points,
        last_point=points - 1,
        tasks=tasks,
        share=share,
        script=shlex.quote(str(folder / SCRIPT)),
        folder=shlex.quote(str(folder)),
        python=shlex.quote(sys.executable),
        name=SCRIPT,
        logs=LOGS,
    )
    (folder / LOGS).mkdir(exist_ok=True)
    write_text(folder / SCRIPT, text)
    return folder / SCRIPT


def _escaped(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
