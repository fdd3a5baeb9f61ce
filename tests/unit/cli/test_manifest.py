"""Reading manifests: what is wrong is named with its file, line and field."""

from pathlib import Path

import pytest

from cli.faults import Fault
from cli.verbs.manifest import line_of, parse, read_documents

TWO = """# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  day: 2026-01-01
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec:
  template:
    spec:
      containers:
      - name: main
        image: x
      - name: other
        comand: [sh]
"""


class TestParse:
    """Several documents a file; nothing is guessed."""

    def test_documents(self) -> None:
        assert [document.name for document in parse("f.yaml", TWO)] == ["a", "b"]

    def test_a_date_stays_the_text_that_it_is(self) -> None:
        assert parse("f.yaml", TWO)[0].content["data"] == {"day": "2026-01-01"}

    def test_a_list_stands_for_its_items(self) -> None:
        text = "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: n}}\n"
        assert [document.name for document in parse("f.yaml", text)] == ["n"]

    def test_the_line_of_a_field(self) -> None:
        assert parse("f.yaml", TWO)[1].place("spec.template.spec.containers[1].comand") == "f.yaml:20"

    def test_the_line_of_a_missing_field_is_that_of_its_parent(self) -> None:
        assert line_of(parse("f.yaml", TWO)[1].node, "spec.template.spec.containers[0].command") == 17

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("a: [1, 2\nb: 3\n", r"f\.yaml:2:2: not YAML", id="broken YAML"),
            pytest.param("- a\n", r"f\.yaml:1: an object must be a mapping", id="no mapping"),
            pytest.param("kind: Pod\nmetadata: {name: a}\n", r"f\.yaml:1: apiVersion: Required value", id="no version"),
            pytest.param(
                "apiVersion: v1\nkind: Pood\nmetadata: {name: a}\n",
                r'f\.yaml:2: no kind "Pood" in version "v1"',
                id="unknown kind",
            ),
            pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {}\n", r"f\.yaml:3: metadata\.name: Req", id="no name"),
            pytest.param(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n",
                r"f\.yaml:5: metadata\.name is given twice",
                id="a key twice",
            ),
        ],
    )
    def test_refused(self, text: str, message: str) -> None:
        with pytest.raises(Fault, match=message):
            parse("f.yaml", text)

    def test_the_right_version_is_proposed(self) -> None:
        with pytest.raises(Fault) as refusal:
            parse("f.yaml", "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n")
        assert refusal.value.remedy == "did you mean Deployment (apps/v1)?"


class TestReadDocuments:
    """Files, directories, and nothing at all."""

    def test_a_directory_is_read_in_the_order_of_names(self, tmp_path: Path) -> None:
        for name in ("b", "a"):
            text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"
            (tmp_path / f"{name}.yaml").write_text(text)
        (tmp_path / "notes.txt").write_text("not a manifest")
        assert [document.name for document in read_documents([str(tmp_path)])] == ["a", "b"]

    def test_a_missing_file_is_named(self) -> None:
        with pytest.raises(Fault, match=r"/nowhere\.yaml: No such file"):
            read_documents(["/nowhere.yaml"])

    def test_an_empty_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty.yaml").write_text("---\n")
        with pytest.raises(Fault, match="no objects found"):
            read_documents([str(tmp_path / "empty.yaml")])

    @pytest.mark.parametrize("file", sorted(Path("manifests").glob("*.yaml")), ids=lambda path: path.name)
    def test_the_examples_are_sound(self, file: Path) -> None:
        assert read_documents([str(file)])
