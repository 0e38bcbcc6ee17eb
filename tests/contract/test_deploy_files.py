"""deploy/ agrees with itself: ports, paths, secrets and commands of the Dockerfile, compose.yaml and the example of secrets."""

from __future__ import annotations

import json
import re

from tests.journeys.composed import DEPLOY, ROOT, SECRETS, dockerfile, services, texts, variables

COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


def test_the_image_and_compose_say_the_same() -> None:
    (port,) = texts("serve", "EXPOSE")
    (plain,) = texts("serve", "CMD")
    command = services()["server"]["command"]
    assert command[: len(json.loads(plain))] == json.loads(plain)
    assert command[command.index("--port") + 1] == port
    assert command[command.index("--workers") + 1] == "2"
    (health,) = texts("serve", "HEALTHCHECK")
    path = re.search(rf"http://127\.0\.0\.1:{port}(/\w+)", health)
    assert path
    assert path[1] in json.loads((ROOT / "serving/openapi.json").read_text(encoding="utf-8"))["paths"]
    (published,) = services()["server"]["ports"]
    assert published == f"127.0.0.1:{port}:{port}"
    home = variables("serve")["TRIALWISE_HOME"]
    assert f"home:{home}" in services()["server"]["volumes"]
    assert texts("serve", "WORKDIR") == [home]
    assert services()["tools"]["environment"] == services()["server"]["environment"]


def test_no_image_runs_as_root_and_the_server_gets_the_slim_lock() -> None:
    for stage in ("serve", "train"):
        assert texts(stage, "USER") == ["trialwise"]
    installed = [line for line in texts("build", "RUN") if line.startswith("pip install")]
    assert "--require-hashes -r deploy/serve.lock" in installed[0]
    assert "--no-deps" in installed[1]
    assert len(installed) == 2
    assert [line for line in texts("train", "RUN") if "pip install" in line and "--require-hashes" not in line] == []
    for variable in ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME"):  # another value, and what was compiled is compiled again
        assert variables("serve")[variable] == variables("build")[variable]


def test_everything_that_is_copied_or_mounted_is_there() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for step in dockerfile():
        if step.word == "COPY" and not step.text.startswith("--from"):
            for name in step.text.split()[:-1]:
                assert (ROOT / name).exists()
                assert f"!{name}" in ignored
    mounted = [one.split(":")[0] for service in services().values() for one in service.get("volumes", [])]
    assert {one for one in mounted if one.startswith("./")} == {"./postgres_init.sh", "./workspace"}
    declared = set(re.findall(r"^  (\w+): \{", COMPOSE.partition("\nvolumes:")[2], re.MULTILINE))
    assert declared == {one for one in mounted if not one.startswith("./")}


def test_secrets_are_never_written_and_all_are_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", COMPOSE))
    assert COMPOSE.count("${") == len(re.findall(r"\$\{(\w+):\?\}", COMPOSE))
    example = (DEPLOY / "example.env").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == asked == set(SECRETS)
    assert not re.search(r"^\w+=.+", example, re.MULTILINE)
    assert "deploy/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_only_the_server_can_be_reached_from_outside() -> None:
    assert [name for name, one in services().items() if "ports" in one] == ["server"]
    assert [name for name, one in services().items() if "outside" in one["networks"]] == ["server"]
    assert "--allowed-hosts" in services()["mlflow"]["command"]
    for name, one in services().items():
        assert name == "postgres" or (one["cap_drop"], one["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
