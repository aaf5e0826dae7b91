"""The size of a batch: found from what batches cost."""

from typing import Any

import pytest

from model_mapreduce_job.pipeline.batch_sizing import (
    FIRST_SIZE,
    FIXED_SHARE,
    LARGEST_SIZE,
    LONGEST_SECONDS,
    MOST_SECONDS,
    SHORTEST_SECONDS,
    BatchSizer,
)


def run(sizer: Any, fixed: float, each: float, batches: Any = 200) -> Any:
    """Let a sizer see batches that cost fixed + n * each seconds; return the sizes that it asked for."""
    sizes = []
    for _ in range(batches):
        sizes.append(sizer.size)
        sizer.observe(sizer.size, fixed + sizer.size * each)
    return sizes


@pytest.mark.parametrize(
    ("fixed", "each"),
    [(100e-6, 0.3e-6), (100e-6, 1e-6), (1e-3, 100e-6), (0.05, 1e-3), (1e-6, 1e-6), (0.0, 1e-6)],
)
def test_the_fixed_part_comes_to_be_a_small_share_of_a_batch(fixed: float, each: float) -> None:
    sizer = BatchSizer()
    sizes = run(sizer, fixed, each)
    assert fixed <= 1.01 * FIXED_SHARE * (fixed + sizer.size * each)
    # and no size over twice of what that takes
    assert sizer.size <= max(4 * FIRST_SIZE, 4 * fixed / each / FIXED_SHARE, 2 * SHORTEST_SECONDS / each)
    assert len(set(sizes[100:])) == 1


def test_a_batch_that_costs_the_same_at_any_size_grows_to_the_largest() -> None:
    sizer = BatchSizer()
    run(sizer, fixed=0.01, each=0)
    assert sizer.size == LARGEST_SIZE


@pytest.mark.parametrize("each", [0.01, 0.1, 0.5, 1.0])
def test_a_slow_model_gets_batches_that_take_no_longer_than_two_seconds(each: float) -> None:
    sizer = BatchSizer()
    run(sizer, fixed=5.0, each=each)
    sizer = BatchSizer()
    sizes = run(sizer, fixed=0, each=each)
    assert max(sizes[5:]) * each <= LONGEST_SECONDS


def test_a_model_slower_than_that_gets_one_record_at_a_time() -> None:
    sizer = BatchSizer()
    run(sizer, fixed=0, each=60)
    assert sizer.size == 1


def test_batches_are_not_cut_where_that_only_makes_records_dearer() -> None:
    """One that takes three seconds whatever its size: of single records, ten thousand would take a day."""
    sizer = BatchSizer()
    sizes = run(sizer, fixed=3.0, each=0.01, batches=60)
    assert min(sizes[12:]) >= FIRST_SIZE
    assert 3.0 + sizer.size * 0.01 <= MOST_SECONDS


def test_the_longest_time_may_be_set() -> None:
    sizer = BatchSizer(longest_seconds=0.1)
    sizes = run(sizer, fixed=0, each=0.01)
    assert max(sizes[5:]) * 0.01 <= 0.1


def test_a_first_batch_that_is_slow_once_leaves_the_size_to_grow() -> None:
    sizer = BatchSizer()
    sizer.observe(sizer.size, 30.0)
    assert sizer.size < FIRST_SIZE
    run(sizer, fixed=100e-6, each=1e-6)
    assert sizer.size >= 1024


def test_a_machine_that_stood_still_does_not_shrink_the_size_for_good() -> None:
    sizer = BatchSizer()
    run(sizer, fixed=100e-6, each=1e-6)
    found = sizer.size
    for _ in range(5):
        sizer.observe(sizer.size, 60.0)
        run(sizer, fixed=100e-6, each=1e-6)
    assert sizer.size >= found / 2


def test_noise_that_slows_two_of_three_batches_changes_nothing() -> None:
    calm, noisy = BatchSizer(), BatchSizer()
    for turn in range(300):
        calm.observe(calm.size, 100e-6 + calm.size * 1e-6)
        noisy.observe(noisy.size, (100e-6 + noisy.size * 1e-6) * (1 if turn % 3 == 0 else 5))
    assert noisy.size == calm.size


def test_a_machine_that_is_busy_for_a_while_does_not_keep_batches_small() -> None:
    """Each batch waits for its turn, some longer: that looks as if twice the records cost twice the time."""
    sizer = BatchSizer()
    for _ in range(30):
        sizer.observe(sizer.size, SHORTEST_SECONDS * sizer.size / FIRST_SIZE)
    assert sizer.size < 1024
    run(sizer, fixed=100e-6, each=1e-6)
    assert sizer.size == LARGEST_SIZE


def test_batches_too_short_to_measure_do_not_end_the_growth() -> None:
    sizer = BatchSizer()
    for _ in range(100):
        sizer.observe(sizer.size, SHORTEST_SECONDS * 0.9)
    assert sizer.size == LARGEST_SIZE


def test_batches_smaller_than_the_size_tell_nothing_about_growing() -> None:
    sizer = BatchSizer()
    for _ in range(100):
        sizer.observe(sizer.size - 1, 1e-3)
    assert sizer.size == FIRST_SIZE


def test_want_of_memory_halves_the_size_and_it_never_grows_back() -> None:
    sizer = BatchSizer()
    run(sizer, fixed=0.01, each=0)
    sizer.out_of_memory(1000)
    assert sizer.size == 500
    sizes = run(sizer, fixed=0.01, each=0)
    assert max(sizes) <= 500


def test_want_of_memory_for_one_record_leaves_batches_of_one() -> None:
    sizer = BatchSizer()
    sizer.out_of_memory(1)
    assert sizer.size == 1


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_pinned_size_stays_whatever_batches_cost(size: int) -> None:
    sizer = BatchSizer(size)
    assert set(run(sizer, fixed=1.0, each=1.0)) == {size}
    assert set(run(sizer, fixed=1e-6, each=1e-9)) == {size}


def test_a_pinned_size_is_lowered_by_want_of_memory() -> None:
    sizer = BatchSizer(100)
    sizer.out_of_memory(100)
    assert set(run(sizer, fixed=1e-6, each=1e-9)) == {50}


def test_a_batch_has_no_more_records_than_come_to_8_mib_of_output() -> None:
    sizer = BatchSizer()
    sizes = []
    for _ in range(100):
        sizes.append(sizer.size)
        sizer.observe(sizer.size, 0.15, sizer.size * 8000)
    assert max(sizes) == 1024
    assert sizer.size == 1024


def test_records_whose_output_has_become_larger_make_batches_smaller_at_once() -> None:
    sizer = BatchSizer()
    run(sizer, 0.01, 1e-6)
    sizer.observe(sizer.size, 0.1, sizer.size << 20)
    assert sizer.size == 8
    sizer.observe(1, 0.1, 100 << 20)
    assert sizer.size == 1
