"""Real frames through the real decoders: what is read, in which order, and what an empty hall costs."""

import numpy as np
import pytest

from scanner.camera.decode import MOST_TEXTS, Decoder, read, read_all_ways
from scanner.camera.images import CAP_ANY, doubled, halved, load_gray, open_video, save
from scanner.camera.second import read_second, second_decoder_available
from scanner.camera.still import decode_file
from scanner.errors import CameraError
from tests.show.phone import CONDITIONS, Phone, empty_scene, shots, still, two_phones
from tests.unit.camera.texts import gate_text

LINK = "https://example.org/tickets?id=42"


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["clean", "perspective", "dark-mode", "inverted", "moire", "gradient", "low-contrast"])
def test_code_is_read_character_for_character(name: str, full: bool) -> None:
    rng = np.random.default_rng(1)
    text = gate_text(rng, full=full)
    assert read(still(Phone(text), rng, CONDITIONS[name])) == (text,)


def test_two_codes_in_view_are_both_read() -> None:
    rng = np.random.default_rng(2)
    one, other = gate_text(rng), gate_text(rng)
    decoder = Decoder()
    seen = [set(decoder.see(shot.frame)) for shot in two_phones(Phone(one), Phone(other), rng) if shot.whole]
    both = sum(texts == {one, other} for texts in seen)
    assert both > len(seen) * 0.8


def test_gate_code_comes_before_a_web_link() -> None:
    rng = np.random.default_rng(3)
    text = gate_text(rng)
    last = [shot.frame for shot in two_phones(Phone(LINK), Phone(text), rng) if shot.whole][-1]
    assert read(last) == (text, LINK)


def test_wall_of_codes_stays_bounded() -> None:
    phones = [Phone(f"{LINK}{n}") for n in range(8)]
    wall = np.hstack([phone.texture(0.7)[150:420] for phone in phones])
    assert len(read_all_ways(np.vstack([wall, np.full((200, wall.shape[1]), 60, np.uint8)]))) == MOST_TEXTS


def test_empty_hall_holds_no_code() -> None:
    rng = np.random.default_rng(5)
    decoder = Decoder()
    assert [decoder.see(empty_scene(rng, seed)) for seed in range(6)] == [()] * 6
    assert read_all_ways(empty_scene(rng)) == ()


def test_strided_and_scaled_views_are_read() -> None:
    rng = np.random.default_rng(6)
    text = gate_text(rng)
    frame = still(Phone(text), rng)
    assert read(frame[::2, ::2]) == read(halved(frame)) == read(doubled(frame)) == (text,)


@pytest.mark.skipif(not second_decoder_available(), reason="the system library libzbar0 is missing")
def test_second_decoder_agrees() -> None:
    rng = np.random.default_rng(7)
    text = gate_text(rng)
    assert read_second(still(Phone(text), rng)) == (text,)


def test_decoder_without_second_look_still_reads() -> None:
    rng = np.random.default_rng(8)
    text = gate_text(rng, full=True)
    decoder = Decoder(second_look=False)
    assert any(text in decoder.see(shot.frame) for shot in shots(Phone(text), rng, seconds=1.5))


def test_still_picture_is_decoded_from_its_file(tmp_path) -> None:
    rng = np.random.default_rng(9)
    text = gate_text(rng)
    for name in ("frame.png", "frame.jpg"):
        save(tmp_path / name, still(Phone(text), rng))
        assert decode_file(tmp_path / name) == [text]


def test_unusable_picture_is_a_clear_fault(tmp_path) -> None:
    whole = tmp_path / "whole.jpg"
    save(whole, np.zeros((64, 64), np.uint8))
    cut, words, empty = tmp_path / "cut.jpg", tmp_path / "words.png", tmp_path / "empty.png"
    cut.write_bytes(whole.read_bytes()[:40])
    words.write_text("not a picture")
    empty.write_bytes(b"")
    for path in (cut, words, empty, tmp_path / "missing.png", tmp_path):
        with pytest.raises(CameraError, match=path.name):
            decode_file(path)


@pytest.mark.parametrize("side", [1, 31, 64])
def test_tiny_picture_holds_no_code(side: int, tmp_path) -> None:
    save(tmp_path / "dark.png", np.zeros((side, side), np.uint8))
    assert decode_file(tmp_path / "dark.png") == []


def test_code_drawn_at_one_pixel_a_module_is_decoded(tmp_path) -> None:
    text = gate_text(np.random.default_rng(10))
    save(tmp_path / "code.png", np.pad(255 * (1 - Phone(text).modules), 4, constant_values=255).astype(np.uint8))
    assert decode_file(tmp_path / "code.png") == [text]


def test_unwritable_picture_and_unopenable_video_are_faults(tmp_path) -> None:
    with pytest.raises(CameraError, match="cannot be written"):
        save(tmp_path / "no" / "such.png", np.zeros((64, 64), np.uint8))
    with pytest.raises(CameraError, match="cannot be opened"):
        open_video(str(tmp_path / "none.avi"), CAP_ANY, {})
    with pytest.raises(CameraError, match="cannot be read"):
        load_gray(tmp_path)
