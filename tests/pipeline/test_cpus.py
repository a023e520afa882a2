"""The CPUs of a process: what it may use, not what the machine has."""

import os

import pytest

from pipeline.cpus import count_cpus

OWN = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def plenty(monkeypatch):
    """A machine on which the process may run on 64 CPUs."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


def group(root, listing, **files):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(listing)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("cpu_", "cpu.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_without_limits_it_is_the_cpus_that_the_process_may_run_on(tmp_path):
    assert count_cpus({}, tmp_path) == OWN


@pytest.mark.usefixtures("plenty")
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SLURM_CPUS_PER_TASK": "9", "SLURM_CPUS_ON_NODE": "32"}, 9),
        ({"SLURM_CPUS_ON_NODE": "32"}, 32),
        ({"SLURM_CPUS_PER_TASK": "128"}, 64),
        ({"SLURM_CPUS_PER_TASK": "0"}, 1),
        ({"SLURM_CPUS_ON_NODE": "8(x2)"}, 64),
    ],
)
def test_slurm_gives_fewer(tmp_path, environment, expected):
    assert count_cpus(environment, tmp_path) == expected


@pytest.mark.usefixtures("plenty")
def test_the_quota_of_a_container_or_of_a_group_above_it_counts(tmp_path):
    group(tmp_path, "0::/job/step\n", job__cpu_max="250000 100000", job__step__cpu_max="max 100000")
    assert count_cpus({}, tmp_path) == 3


@pytest.mark.usefixtures("plenty")
@pytest.mark.parametrize(("quota", "expected"), [("400000", 4), ("-1", 64)])
def test_the_older_control_groups_count_too(tmp_path, quota, expected):
    files = {"cpu__a__cpu_cfs_quota_us": quota, "cpu__a__cpu_cfs_period_us": "100000"}
    group(tmp_path, "5:memory:/a\n4:cpu,cpuacct:/a\n", **files)
    assert count_cpus({}, tmp_path) == expected
