"""Where compiled kernels are kept: a private folder or none, and never where the current folder's owner says."""

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rnncli
from rnncli.kernels import cache
from rnncli.kernels.cache import UNUSED

pytestmark = pytest.mark.long  # every test compiles in processes of its own

ROOT = Path(rnncli.__file__).parent
REPORT = """
import json, sys
from rnncli.kernels import cache, jit
from rnncli.kernels.random import mix
answer = int(mix(1234567))
print(json.dumps({"folder": jit.numba.config.CACHE_DIR, "enabled": cache.enabled(),
                  "kept": "KernelCache" in str(getattr(mix, "_cache", "")), "refusal": cache.place().refusal,
                  "answer": answer, "cold": cache.is_cold(), "threads": jit.numba.config.NUMBA_NUM_THREADS}))
"""
PLACES = ("XDG_CACHE_HOME", "RNNCLI_CACHE")
NO_HOME = "import pathlib\ndef home(): raise RuntimeError('no home')\npathlib.Path.home = home\n"
HOSTILE = {"planted cache": "cache_dir: {planted}\nnum_threads: 1\n", "bad YAML": "cache_dir: [\n\t}}{{\n"}


@pytest.fixture
def here(tmp_path):
    """The current folder of the processes below."""
    folder = tmp_path / "data folder"
    folder.mkdir()
    return folder


def python(code, here, package=ROOT.parent, **environment):
    """Run code in a fresh process that has only these variables of ours and NUMBA_*'s."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("NUMBA_") and n not in PLACES}
    environment = {n: str(v) for n, v in environment.items() if v is not None}
    run = [sys.executable, "-c", code]
    variables = inherited | {"PYTHONPATH": str(package)} | environment
    return subprocess.run(run, cwd=here, env=variables, capture_output=True, text=True, timeout=120)


def report(here, code=REPORT, **environment):
    done = python(code, here, **environment)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer.pop("answer") == 6457827717110365317
    return answer | {"stderr": done.stderr}


def files(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def test_the_folder_is_private_inside_the_users_cache_and_found_again(here, tmp_path):
    users = tmp_path / "cache"
    first = report(here, XDG_CACHE_HOME=users, NUMBA_CACHE_DIR=tmp_path / "shared")
    folder = Path(first["folder"])
    assert folder.parent == users / "rnncli"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert first["enabled"]
    assert first["kept"]
    assert not first["cold"]
    compiled = {path: path.stat().st_mtime_ns for path in files(folder)}
    assert compiled
    assert report(here, XDG_CACHE_HOME=users)["folder"] == str(folder)
    assert {path: path.stat().st_mtime_ns for path in files(folder)} == compiled
    assert not (tmp_path / "shared").exists()
    assert report(here, HOME=tmp_path / "home")["folder"].startswith(str(tmp_path / "home" / ".cache" / "rnncli"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_numba_config_in_the_current_folder_is_not_read(here, tmp_path, text):
    planted = tmp_path / "planted"
    (here / ".numba_config.yaml").write_text(text.format(planted=planted))
    control = python("import numba; print(numba.config.CACHE_DIR)", here)
    assert control.returncode != 0 or control.stdout.strip() == str(planted)  # numba by itself does read it

    got = report(here, XDG_CACHE_HOME=tmp_path / "cache")
    assert Path(got["folder"]).parent == tmp_path / "cache" / "rnncli"
    assert files(got["folder"])
    assert not planted.exists()
    clean = tmp_path / "clean"
    clean.mkdir()
    assert got["threads"] == report(clean, XDG_CACHE_HOME=tmp_path / "cache")["threads"]


def test_a_numba_config_in_the_current_folder_prints_nothing(here, tmp_path):
    (here / ".numba_config.yaml").write_text("num_threads: 1\n")
    assert report(here, XDG_CACHE_HOME=tmp_path / "cache")["stderr"] == ""


@pytest.mark.parametrize("module", ["gemm", "elementary", "register_tile"])
def test_a_numba_config_is_not_read_whichever_kernel_is_imported_first(here, tmp_path, module):
    (here / ".numba_config.yaml").write_text(HOSTILE["bad YAML"])
    done = python(f"import rnncli.kernels.{module}", here, XDG_CACHE_HOME=tmp_path / "cache")
    assert done.returncode == 0, done.stderr[-400:]


@pytest.mark.parametrize("before", ["import yaml; ", ""])
def test_yaml_can_be_imported_afterwards(here, tmp_path, before):
    code = before + "import rnncli.kernels.jit, yaml; print(yaml.safe_load('a: 1'))"
    assert python(code, here, XDG_CACHE_HOME=tmp_path / "cache").stdout.strip() == "{'a': 1}"


def refused(got):
    """Why nothing is kept, where nothing is."""
    assert (got["folder"], got["enabled"], got["kept"], got["cold"]) == ("", False, False, True)
    return got["refusal"]


def test_a_folder_that_others_may_write_is_not_used(here, tmp_path):
    users = tmp_path / "cache"
    folder = Path(report(here, XDG_CACHE_HOME=users)["folder"])
    for mode in (0o777, 0o770):
        shutil.rmtree(folder)
        folder.mkdir()
        folder.chmod(mode)
        assert refused(report(here, XDG_CACHE_HOME=users)) == "others may write to it"
        assert not files(folder)


@pytest.mark.parametrize("where", ["no home", "HOME is a file", "XDG_CACHE_HOME is a file", "RNNCLI_CACHE is a file"])
def test_nowhere_to_write_means_no_cache(here, tmp_path, where):
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("a file, not a folder")
    code = NO_HOME + REPORT if where == "no home" else REPORT
    variables = {} if where == "no home" else {where.split()[0]: obstacle}
    assert refused(report(here, code, **variables)) == ("no home folder" if where == "no home" else "not a directory")


def test_the_folder_may_be_named(here, tmp_path):
    named = tmp_path / "named"
    code = NO_HOME + REPORT
    got = report(here, code, RNNCLI_CACHE=named, XDG_CACHE_HOME=tmp_path / "cache")
    assert Path(got["folder"]).parent == named
    assert files(got["folder"])
    assert not (tmp_path / "cache").exists()
    assert report(here, RNNCLI_CACHE="", XDG_CACHE_HOME=tmp_path / "cache")["folder"].startswith(
        str(tmp_path / "cache")
    )


@pytest.mark.parametrize(("above", "told"), [("users/rnncli", "it"), ("users", "{}/users"), (".", "{}")])
def test_a_folder_that_others_may_replace_is_not_used(here, tmp_path, above, told):
    base, users = tmp_path / "base", tmp_path / "base/users"
    (users / "rnncli").mkdir(parents=True)
    (base / above).chmod(0o777)
    assert refused(report(here, XDG_CACHE_HOME=users)) == f"others may write to {told.format(base)}"
    (base / above).chmod(0o1777)  # as /tmp
    assert report(here, XDG_CACHE_HOME=users)["kept"]


def test_a_folder_behind_a_link_is_judged_by_where_it_is(here, tmp_path):
    (tmp_path / "open/rnncli").mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open/rnncli")
    assert refused(report(here, RNNCLI_CACHE=tmp_path / "link")) == f"others may write to {tmp_path}/open"


def test_links_are_judged_on_the_way_too(kernels, tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open/inner").symlink_to("../users")
    (tmp_path / "outer").symlink_to(tmp_path / "open/inner")
    assert cache._refusal(tmp_path / "outer/rnncli/kernels") == ""
    (tmp_path / "open").chmod(0o777)
    assert cache._refusal(tmp_path / "outer/rnncli/kernels") == f"others may write to {tmp_path}/open"
    (tmp_path / "open").chmod(0o1777)  # where another user may have made the link
    _owned_by_another(monkeypatch, tmp_path / "open/inner")
    assert cache._refusal(tmp_path / "outer/rnncli/kernels") == f"another user owns {tmp_path}/open/inner"


def test_a_home_folder_that_depends_on_the_current_one_has_no_kernels(monkeypatch):
    monkeypatch.delenv("RNNCLI_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", ".")
    assert cache._root()[1] == "HOME is not an absolute path"


@pytest.fixture
def kernels(tmp_path):
    folder = tmp_path / "users/rnncli/kernels"
    folder.mkdir(parents=True, mode=0o700)
    return folder


@pytest.mark.parametrize(("own", "refusal"), [(True, ""), (False, "others may write to {}/users")])
def test_a_group_may_write_above_it_if_it_is_the_users_own(kernels, tmp_path, monkeypatch, own, refusal):
    (tmp_path / "users").chmod(0o775)
    monkeypatch.setattr(cache, "_is_own", lambda group: own)
    assert cache._refusal(kernels) == refusal.format(tmp_path)


@pytest.mark.parametrize(("above", "told"), [("users/rnncli", "it"), ("users", "{}/users")])
def test_a_folder_of_another_user_has_no_kernels_of_this_one(kernels, tmp_path, monkeypatch, above, told):
    _owned_by_another(monkeypatch, tmp_path / above)
    assert cache._refusal(kernels) == f"another user owns {told.format(tmp_path)}"


def _owned_by_another(monkeypatch, place):
    real = Path.stat

    def of_another(path, **how):
        found = real(path, **how)
        return os.stat_result((*found[:4], os.getuid() + 1, *found[5:])) if path == place else found

    monkeypatch.setattr(Path, "stat", of_another)


def test_folders_that_are_made_for_it_are_private(here, tmp_path):
    made = [tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/rnncli"]
    old = os.umask(0)
    try:
        assert report(here, XDG_CACHE_HOME=tmp_path / "a/b")["kept"]
    finally:
        os.umask(old)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3


VARIABLES = {
    "NUMBA_CACHE_LOCATOR_CLASSES": "Nope",
    "NUMBA_NUM_THREADS": "0",
    "NUMBA_THREADING_LAYER": "zzz",
    "NUMBA_DEBUG": "1",
    "NUMBA_DEBUG_NRT": "1",
    "NUMBA_DUMP_ASSEMBLY": "1",
    "NUMBA_OPT": "7",
    "NUMBA_BOUNDSCHECK": "no number",
    "NUMBA_DISABLE_JIT": "no number",
}


@pytest.mark.parametrize("name", [None, *VARIABLES])
def test_no_variable_ends_it_or_prints_into_results(here, tmp_path, name):
    variables = {name: VARIABLES[name]} if name else VARIABLES
    got = report(here, XDG_CACHE_HOME=tmp_path / "cache", **variables)
    assert got["stderr"] == ""
    assert got["kept"]


@pytest.mark.parametrize("value", ["avx2", "+avx2,fma", "1", "+avx2,,+fma"])
def test_features_that_would_end_the_compiler_are_refused_by_name(here, tmp_path, value):
    code = "import sys; sys.argv = ['rnncli', 'predict', 'nothing']; from rnncli.cli import main; main()"
    done = python(code, here, XDG_CACHE_HOME=tmp_path / "cache", NUMBA_CPU_FEATURES=value)
    assert done.returncode == 2
    assert done.stderr == (
        f"rnncli: error: NUMBA_CPU_FEATURES={value}: each feature begins with + or -, as in +avx2,-avx512f\n"
    )


def test_a_folder_inside_the_current_one_is_not_used(here):
    assert refused(report(here, RNNCLI_CACHE="planted")) == "not an absolute path"
    assert not files(here)


def test_without_the_jit_everything_imports_and_answers(here, tmp_path):
    code = "import numpy\nnumpy.seterr(over='ignore')\n" + REPORT
    got = report(here, code, NUMBA_DISABLE_JIT=1, XDG_CACHE_HOME=tmp_path / "cache")
    assert not files(got["folder"])


def test_an_edited_kernel_source_gets_a_new_folder(here, tmp_path):
    copy = tmp_path / "copy" / "rnncli"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def folder(**options):
        code = "from rnncli.kernels import jit; print(jit.__file__); print(jit.numba.config.CACHE_DIR)"
        done = python(code, here, package=copy.parent, XDG_CACHE_HOME=tmp_path / "cache", **options)
        source, folder = done.stdout.splitlines()
        assert Path(source).is_relative_to(copy)
        return folder

    seen = [folder()]
    assert folder() == seen[0]
    for name in ("random.py", "gemm.py", "cells/lstm.py"):
        path = copy / "kernels" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# another state of the source\n", encoding="utf-8")
        seen.append(folder())
    seen += [folder(NUMBA_OPT=1), folder(NUMBA_BOUNDSCHECK=1)]
    assert len(set(seen)) == len(seen)


def test_kernels_that_nobody_uses_any_more_are_removed(here, tmp_path):
    code = "from rnncli.kernels.cache import place; print(place().folder)"

    def used(**options):
        return Path(python(code, here, XDG_CACHE_HOME=tmp_path, **options).stdout.strip())

    first, long_ago = used(), time.time() - UNUSED - 1
    (tmp_path / "elsewhere").mkdir()
    old, new, link = (f"kernels-{digit * 16}" for digit in "abc")
    theirs = ("notes", "kernels-paper-figures", "kernels-0123456789abcdef0", "kernels-0123456789ABCDEF")
    others = {name: first.parent / name for name in (old, new, link, *theirs)}
    others.pop(link).symlink_to(tmp_path / "elsewhere")
    for folder in others.values():
        folder.mkdir()
        (folder / "file").touch()
    for folder in (first, others[old], *(others[name] for name in theirs), tmp_path / "elsewhere"):
        os.utime(folder, (long_ago, long_ago))
    assert used() == first  # which so is in use again, and removes nothing
    assert others[old].exists()
    second = used(NUMBA_OPT=1)
    assert sorted(first.parent.iterdir()) == sorted(
        [first, second, others[new], *(others[name] for name in theirs), first.parent / link]
    )
    assert (tmp_path / "elsewhere").exists()
