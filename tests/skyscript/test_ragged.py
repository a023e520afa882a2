import numpy as np

from skyscript.ragged import counted, counted_in


def test_each_list_is_counted_from_zero():
    assert counted(np.array([2, 0, 3])).tolist() == [0, 1, 0, 1, 2]
    assert counted(np.array([], np.int64)).tolist() == []
    assert counted(np.array([0, 0], np.int32)).tolist() == []


def test_equal_keys_are_counted_from_zero():
    assert counted_in(np.array([3, 3, 7, 9, 9, 9])).tolist() == [0, 1, 0, 0, 1, 2]
    assert counted_in(np.array([], np.int64)).tolist() == []
