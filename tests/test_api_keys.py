"""API keys: their file, which is strict, and the command that makes, lists and revokes them."""

import hashlib
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT, free_port

from superscaling import api_keys_file
from superscaling.api_key_lines import parse_keys, write_line
from superscaling.api_keys import ApiKey, KeyRefused, KeyState, Refusal, new_key, redacted, sha256_of, today
from superscaling.api_keys_file import ApiKeysFile, read_keys
from superscaling.commands import keys as command
from superscaling.commands.prepare import prepare
from superscaling.errors import ApiKeysInvalid, SettingInvalid
from superscaling.settings import Settings

DAY = date(2026, 11, 28)
SHA = "0123456789abcdef" * 4
LINE = f"id=k3j7q2ma sha256={SHA} owner=anna expires=2027-11-28"


def made(expires: date | None = None, revoked: date | None = None) -> tuple[ApiKey, str]:
    """What is known of a key, and the key."""
    key_id, secret = new_key([])
    return ApiKey(key_id, sha256_of(secret), "anna", expires, revoked=revoked), secret


def test_a_key_has_a_prefix_an_id_and_256_bits() -> None:
    key_id, key = new_key([])
    assert re.fullmatch(rf"upsk_{key_id}_[A-Za-z0-9_-]{{43}}", key)
    assert len({new_key([])[1] for _ in range(100)}) == 100


def test_a_line_says_all() -> None:
    key = ApiKey("k3j7q2ma", SHA, "anna@example.com", DAY, 0.125, DAY, "Laptop at home, expires=never # label=x")
    line = write_line(key)
    assert line.startswith(
        f"id=k3j7q2ma sha256={SHA} owner=anna@example.com expires=2026-11-28 megapixels-per-hour=0.125"
    )
    text = f"# a comment\n\n  {line}\r\n\t{LINE.replace('k3j7q2ma', 'another')}  megapixels-per-hour=500\tlabel= x "
    first, second = parse_keys(text)
    assert first == key
    assert (second.expires, second.megapixels_per_hour, second.label) == (date(2027, 11, 28), 500, "x")
    assert list(parse_keys("")) == list(parse_keys("# nothing\n\n")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("anna", "'anna' is no field; they are id=, sha256=, owner=, expires=, megapixels-per-hour=, revoked=, label="),
        (f"{LINE} colour=blue", "'colour=blue' is no field"),
        (f"{LINE} Owner=berta", "'Owner=berta' is no field"),
        (f"{LINE} owner=berta", "owner= is there twice"),
        (LINE.replace("id=k3j7q2ma ", ""), "id= is missing"),
        ("label=only", "id=, sha256=, owner=, expires= is missing"),
        (LINE.replace(" expires=2027-11-28", ""), "expires= is missing"),
        (LINE.replace("k3j7q2ma", "K3J7"), "id='K3J7' must have 4 to 32 letters in lower case and digits"),
        (LINE.replace("k3j7q2ma", "a_b_c"), "id='a_b_c' must have"),
        (LINE.replace("k3j7q2ma", "a" * 33), "must have 4 to 32"),
        (LINE.replace(SHA, SHA[:-1]), "must have 64 hex digits in lower case"),
        (LINE.replace(SHA, SHA.upper()), "must have 64 hex digits in lower case"),
        (LINE.replace(SHA, ""), "sha256='' must have 64 hex digits"),
        (LINE.replace("anna", ""), "owner='' must have 1 to 64 letters"),
        (LINE.replace("anna", "änne"), "owner='änne' must have"),
        (LINE.replace("anna", "-anna"), "owner='-anna' must have"),
        (LINE.replace("anna", "a" * 65), "must have 1 to 64"),
        (LINE.replace("2027-11-28", "2027-02-30"), "expires='2027-02-30' must be a day, such as 2027-11-28, or never"),
        (LINE.replace("2027-11-28", "28.11.2027"), "expires='28.11.2027' must be a day"),
        (LINE.replace("2027-11-28", "20271128"), "expires='20271128' must be a day"),
        (LINE.replace("2027-11-28", "\uff12\uff10\uff12\uff17-11-28"), "must be a day"),
        (LINE.replace("2027-11-28", "Never"), "expires='Never' must be a day"),
        (f"{LINE} revoked=never", "revoked='never' must be a day, such as 2027-11-28"),
        (f"{LINE} megapixels-per-hour=0", "megapixels-per-hour= must be a number above 0, such as 500 or 0.5"),
        (f"{LINE} megapixels-per-hour=-1", "megapixels-per-hour='-1' must be a number above 0"),
        (f"{LINE} megapixels-per-hour=nan", "megapixels-per-hour='nan' must be"),
        (f"{LINE} megapixels-per-hour=1e9", "megapixels-per-hour='1e9' must be"),
        (f"{LINE} megapixels-per-hour={'9' * 10}", "must be a number above 0"),
        (f"{LINE} label={'x' * 101}", "label= must have at most 100 characters, and none that can't be seen"),
        (f"{LINE} label=a\x1b[31m", "label= must have at most"),
        (f"{LINE} label=a\u202eb", "label= must have at most"),
    ],
)
def test_bad_lines(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_keys(f"# comment\n{LINE.replace('k3j7q2ma', 'good')}\n{line}\n")
    assert str(caught.value).startswith("line 3: ")


def test_an_id_belongs_to_one_line() -> None:
    with pytest.raises(ValueError, match="line 2: the id k3j7q2ma is that of a line above"):
        parse_keys(f"{LINE}\n{LINE}")


def test_errors_repeat_no_key() -> None:
    """Somebody may write the key itself where its hash belongs."""
    _, secret = made()
    spoilt = (LINE.replace(SHA, secret), LINE.replace("anna", secret), LINE.replace("2027", secret))
    for line in (secret, *spoilt, f"{LINE} label=that is {secret}"):
        with pytest.raises(ValueError, match="line 1") as caught:
            parse_keys(line)
        assert secret.split("_", 2)[2][:8] not in str(caught.value)


def test_redacted() -> None:
    key_id, secret = new_key([])
    assert redacted(f"a {secret}, {secret[:-20]}!") == f"a upsk_{key_id}_..., upsk_{key_id}_...!"
    assert redacted("upsk_ is how keys begin") == "upsk_ is how keys begin"
    for spelt in ("%75psk_a_b", "%2575psk_a_b", "upsk%5Fa_b", "upsk%25255f%61_b", "upsk_%61_b", "upsk_a%5fb"):
        assert redacted(f"/jobs/{spelt}/result") == "/jobs/upsk_.../result"
    assert redacted("upsk_a_b%63d") == "upsk_a_..."


def test_a_valid_key_is_found() -> None:
    key, secret = made(expires=DAY)
    keys = parse_keys(f"{LINE}\n{write_line(key)}")
    assert keys.find(secret, DAY) == key
    assert keys.active(DAY) == 2
    assert keys.active(DAY + timedelta(1)) == 1


KEY, SECRET = made()
OLD, OLD_SECRET = made(expires=DAY - timedelta(1))
ENDED, ENDED_SECRET = made(revoked=DAY)


@pytest.mark.parametrize(
    ("key", "reason", "key_id"),
    [
        ("", Refusal.MALFORMED, None),
        ("upsk_", Refusal.MALFORMED, None),
        (KEY.id, Refusal.MALFORMED, None),
        (KEY.sha256, Refusal.MALFORMED, None),
        (SECRET[:-1], Refusal.MALFORMED, None),
        (SECRET + "A", Refusal.MALFORMED, None),
        (SECRET + "\n", Refusal.MALFORMED, None),
        (" " + SECRET, Refusal.MALFORMED, None),
        (SECRET[:-1] + "é", Refusal.MALFORMED, None),
        (SECRET[:-1] + "\ud800", Refusal.MALFORMED, None),
        (SECRET.upper(), Refusal.MALFORMED, None),
        ("upsk_" + "a" * 1_000_000, Refusal.MALFORMED, None),
        (f"upsk_{KEY.id}_{'A' * 43}", Refusal.UNKNOWN, None),
        (f"upsk_unknown1_{'A' * 43}", Refusal.UNKNOWN, None),
        (OLD_SECRET.replace(OLD.id, KEY.id), Refusal.UNKNOWN, None),
        (OLD_SECRET, Refusal.EXPIRED, OLD.id),
        (ENDED_SECRET, Refusal.REVOKED, ENDED.id),
    ],
    ids=map(str, range(17)),  # as keys differ between processes
)
def test_other_keys_are_refused(key: str, reason: Refusal, key_id: str | None) -> None:
    keys = parse_keys("\n".join(map(write_line, (KEY, OLD, ENDED))))
    with pytest.raises(KeyRefused) as caught:
        keys.find(key, DAY)
    assert (caught.value.reason, caught.value.key_id) == (reason, key_id)


def test_every_key_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that is known costs what one costs that is not: a hash and a comparison in constant time."""
    compared = list[tuple[str, str]]()

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    keys = parse_keys(write_line(KEY))
    for key_id in (KEY.id, "unknown1"):
        with pytest.raises(KeyRefused):
            keys.find(f"upsk_{key_id}_{'A' * 43}", DAY)
    assert [len(one) == len(other) == 64 for one, other in compared] == [True, True]


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def go_on(self) -> None:
        self.now += api_keys_file.INTERVAL


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(write_line(KEY))
    return path


def swap(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.rename(path)


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("change", [swap, write])
def test_a_change_is_seen_within_a_second(file: Path, change: Callable[[Path, str], None]) -> None:
    clock = Clock()
    keys = ApiKeysFile(file, clock)
    assert KEY.id in keys.keys
    other = replace(KEY, id=KEY.id[::-1])  # of the same length, in the same tick of the file system's clock
    change(file, write_line(other))
    assert KEY.id in keys.keys, "not yet looked at"
    clock.go_on()
    assert (KEY.id in keys.keys, other.id in keys.keys) == (False, True)


def test_a_mounted_secret_is_exchanged_by_its_link(tmp_path: Path) -> None:
    """As Kubernetes does: `keys` leads through `..data`, which is replaced, to a read-only file."""
    for version, line in (("1", write_line(KEY)), ("2", write_line(replace(KEY, revoked=DAY)))):
        (tmp_path / version).mkdir()
        (tmp_path / version / "keys").write_text(line)
        (tmp_path / version / "keys").chmod(0o444)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "keys").symlink_to("..data/keys")
    clock = Clock()
    keys = ApiKeysFile(tmp_path / "keys", clock)
    keys.keys.find(SECRET, DAY)
    (tmp_path / "..new").symlink_to("2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    clock.go_on()
    with pytest.raises(KeyRefused, match="revoked"):
        keys.keys.find(SECRET, DAY)


def test_an_unchanged_file_is_not_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(file, (0, 0))
    monkeypatch.setattr(api_keys_file, "UNSETTLED", -1e9)  # however young the file is
    clock = Clock()
    keys = ApiKeysFile(file, clock)
    monkeypatch.delattr(api_keys_file, "_read")
    for _ in range(3):
        clock.go_on()
        assert KEY.id in keys.keys


def spoil(path: Path) -> None:
    path.write_text(f"{write_line(KEY)}\nnonsense\n")


def make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (spoil, "has invalid API keys: line 2: 'nonsense' is no field"),
        (Path.unlink, "can't be read: No such file or directory"),
        (make_directory, "is no file"),
        (make_pipe, "is no file"),
        (lambda path: path.write_bytes(b"\xff"), "is not in UTF-8"),
        (lambda path: path.write_bytes(b"#" * (api_keys_file.MAX_BYTES + 1)), "has more than 4194304 bytes"),
    ],
)
def test_the_last_good_keys_hold(
    file: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None], reason: str
) -> None:
    """While the file is invalid. One error says so, and one line that it is over."""
    clock = Clock()
    keys = ApiKeysFile(file, clock)
    with caplog.at_level(logging.INFO):
        harm(file)
        for _ in range(3):
            clock.go_on()
            assert keys.keys.find(SECRET, DAY) == KEY
            assert not keys.is_valid
        if file.is_dir():
            file.rmdir()
        swap(file, f"{write_line(KEY)}\n")
        clock.go_on()
        assert keys.is_valid
    error, mended = caplog.records
    assert reason in error.message
    assert (error.levelname, mended.levelname, mended.message) == ("ERROR", "INFO", "the API keys were read again")
    assert mended.__dict__["valid"] == keys.keys.active(today())
    spoil(file)
    with pytest.raises(ApiKeysInvalid):
        ApiKeysFile(file)


@pytest.mark.parametrize("text", ["", "# nobody\n", write_line(ENDED)], ids=["empty", "comment", "revoked"])
def test_without_keys_nobody_gets_in(file: Path, caplog: pytest.LogCaptureFixture, text: str) -> None:
    file.write_text(text)
    keys = ApiKeysFile(file)
    with pytest.raises(KeyRefused):
        keys.keys.find(SECRET, DAY)
    (warning,) = caplog.records
    assert warning.message == f"no API key in {file} is valid: nobody can use the service"


@pytest.mark.parametrize(
    ("text", "owner_header", "message"),
    [
        (None, "", "can't be read: No such file or directory"),
        ("nonsense", "", "has invalid API keys: line 1: 'nonsense' is no field"),
        (
            LINE,
            "X-User",
            "UPSCALER_JOBS_OWNER_HEADER='X-User': with UPSCALER_API_KEYS_FILE, jobs",
        ),
    ],
)
def test_what_is_wrong_stops_the_start(tmp_path: Path, text: str | None, owner_header: str, message: str) -> None:
    path = tmp_path / "keys"
    if text is not None:
        path.write_text(text)
    with pytest.raises((ApiKeysInvalid, SettingInvalid), match=re.escape(message)) as caught:
        prepare(Settings(port=free_port(), api_keys_file=path, jobs_owner_header=owner_header))
    assert "\n" not in str(caught.value)


def test_the_port_of_the_metrics_is_another_one() -> None:
    port = free_port()
    with pytest.raises(SettingInvalid, match=f"UPSCALER_METRICS_PORT={port}: it is the port of the service itself"):
        prepare(Settings(port=port, metrics_port=port))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            SettingInvalid, match=rf"can't listen on 127\.0\.0\.1 port {port}: .*; set UPSCALER_METRICS_PORT"
        ):
            prepare(Settings(port=free_port(), metrics_port=port))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = command.main(words)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_new_list_revoke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    place = ("--file", str(file))
    status, secret, said = run(
        capsys, "new", "anna", "--label", "Laptop at home", "--megapixels-per-hour", "12.5", *place
    )
    assert status == 0
    assert re.fullmatch(r"upsk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n", secret), "nothing but the key"
    secret = secret.strip()
    assert "The key is shown only here:" in said
    assert secret not in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in file.read_text()
    assert hashlib.sha256(secret.encode()).hexdigest() in file.read_text()
    key = read_keys(file).find(secret, today())
    assert (key.owner, key.label, key.megapixels_per_hour) == ("anna", "Laptop at home", 12.5)
    assert key.expires == datetime.now(UTC).date() + timedelta(365)

    second = run(capsys, "new", "anna", "--days", "7", *place)[1].strip()
    third = run(capsys, "new", "berta", "--never", *place)[1].strip()
    ids = [each.split("_")[1] for each in (secret, second, third)]
    with file.open("a") as text:
        text.write(f"# by hand\n{LINE.replace('2027', '2020')}")  # without an end of line
    assert run(capsys, "revoke", ids[1], *place)[0] == 0
    revoked = file.read_text()
    assert run(capsys, "revoke", ids[1], *place)[0] == 0
    assert file.read_text() == revoked
    assert run(capsys, "revoke", "nobody", *place) == (1, "", f"there is no key nobody in {file}\n")
    assert "# by hand\n" in revoked
    assert run(capsys, "new", "last", *place)[0] == 0

    status, listed, _ = run(capsys, "list", *place)
    rows = [re.split(r"  +", line) for line in listed.splitlines()]
    assert [row[:3] for row in rows] == [
        ["ID", "OWNER", "STATE"],
        [ids[0], "anna", "active"],
        [ids[1], "anna", "revoked"],
        [ids[2], "berta", "active"],
        ["k3j7q2ma", "anna", "expired"],
        [rows[-1][0], "last", "active"],
    ]
    assert rows[1][4:] == ["12.5", "Laptop at home"]
    assert rows[3][3] == "never"
    for key in read_keys(file):
        assert key.sha256[:8] not in listed
    states = {key.id: key.state(today()) for key in read_keys(file)}
    assert states[ids[1]] is KeyState.REVOKED


def test_a_new_key_has_the_budget_of_its_owner_s_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    place = ("--file", str(file))
    file.write_text(f"{LINE.replace('2027', '2020')} megapixels-per-hour=7\n")  # expired
    ids = []
    for words in (["anna"], ["bob", "--megapixels-per-hour", "5"], ["bob"], ["bob", "--megapixels-per-hour", "9"]):
        status, secret, said = run(capsys, "new", *words, *place)
        assert (status, "other keys, 5 megapixels per hour" in said) == (0, words == ["bob"])
        ids.append(secret.split("_")[1])
    assert [key.megapixels_per_hour for key in read_keys(file)] == [7, None, 5, 5, 9]
    before = file.read_text()
    status, out, err = run(capsys, "new", "bob", *place)
    assert (status, out, "the keys of bob have different budgets: choose" in err) == (1, "", True)
    assert file.read_text() == before
    run(capsys, "revoke", ids[-1], *place)
    assert run(capsys, "new", "bob", *place)[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["new", "ä"], "owner='ä' must have 1 to 64 letters"),
        (["new", "anna\nid=x"], "must have 1 to 64 letters"),
        (["new", "anna", "--label", "a\nb"], "none that can't be seen"),
        (["new", "anna", "--days", "0"], "must be a whole number from 1 to 3650; --never sets no end"),
        (["new", "anna", "--days", "1", "--never"], "not allowed with"),
        (["new", "anna", "--megapixels-per-hour", "inf"], "must be a number above 0"),
        (["new", "anna", "--label", SECRET], "a key must not stand in its file"),
        ([], "COMMAND"),
    ],
    ids=map(str, range(9)),
)
def test_bad_commands(file: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    before = file.read_text()
    with pytest.raises(SystemExit, match="2"):  # argparse's way
        command.main([*words, *(["--file", str(file)] if words else [])])
    assert message in capsys.readouterr().err
    assert file.read_text() == before


def test_a_missing_file_is_made_by_new_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["list"], ["revoke", "k3j7q2ma"]):
        status, out, err = run(capsys, *words, "--file", str(tmp_path / "keys"))
        assert (status, out, "can't be read: No such file or directory" in err) == (1, "", True)
    assert list(tmp_path.iterdir()) == []
    status, out, err = run(capsys, "new", "anna", "--file", str(tmp_path / "nowhere" / "keys"))
    assert (status, out, "can't be changed: No such file or directory" in err) == (1, "", True)


def test_an_invalid_file_is_left_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(file)
    for words in (["new", "anna"], ["revoke", KEY.id], ["list"]):
        status, out, err = run(capsys, *words, "--file", str(file))
        assert (status, out, "line 2: 'nonsense' is no field" in err) == (1, "", True)
    assert file.read_text().endswith("nonsense\n")


def test_what_is_replaced_keeps_its_mode_and_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The service, which may run as another user, can still read it."""
    file.chmod(0o640)
    link = file.with_name("link")
    link.symlink_to(file)
    assert run(capsys, "revoke", KEY.id, "--file", str(link))[0] == 0
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == ["keys", "link"]


def test_a_failed_write_leaves_the_old_file(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_text()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    status, out, err = run(capsys, "new", "anna", "--file", str(file))
    assert (status, out, "can't be changed: No space left on device" in err) == (1, "", True)
    assert file.read_text() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["keys"]


def test_the_command_in_processes(tmp_path: Path) -> None:
    """Several at once lose no key; the setting names the file."""
    environ = {"PYTHONPATH": str(ROOT), "UPSCALER_API_KEYS_FILE": str(tmp_path / "keys")}

    def new(owner: str) -> str:
        words = [sys.executable, "-m", "superscaling.commands.keys", "new", owner]
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    with ThreadPoolExecutor() as threads:
        secrets = list(threads.map(new, ("one", "two", "three", "four")))
    keys = read_keys(tmp_path / "keys")
    assert [keys.find(secret, today()).owner for secret in secrets] == ["one", "two", "three", "four"]
    words = [sys.executable, "-m", "superscaling.commands.keys", "list"]
    missing = subprocess.run(words, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "name the file of API keys with --file or UPSCALER_API_KEYS_FILE\n"
