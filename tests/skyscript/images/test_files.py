"""Which files of a folder are images."""

from skyscript.images.files import list_images


def test_images_are_found_by_their_ending_in_every_folder_below(tmp_path):
    (tmp_path / "b.jpg").mkdir()
    for name in ("notes.txt", "z.PNG", "b.jpg/a.tif", "no ending", "a.jpeg", "a.jpeg.part"):
        (tmp_path / name).touch()
    assert list_images(tmp_path) == ["a.jpeg", "b.jpg/a.tif", "z.PNG"]
