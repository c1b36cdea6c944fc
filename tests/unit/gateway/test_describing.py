from typing import Any

from services.gateway.domain.describing import merge


def document(path: str, schemas: dict[str, Any], ref: str) -> dict[str, Any]:
    answer = {"schema": {"$ref": f"#/components/schemas/{ref}"}}
    operation = {"responses": {"200": {"content": {"application/json": answer}}}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": schemas}}


def ref_of(merged: dict[str, Any], path: str) -> str:
    content = merged["paths"][path]["get"]["responses"]["200"]["content"]
    return str(content["application/json"]["schema"]["$ref"]).rpartition("/")[2]


def test_schemas_of_one_name_are_told_apart_and_still_found() -> None:
    one, other = {"type": "string"}, {"type": "integer"}
    merged = merge(
        [
            ("a", document("/a", {"Thing": one, "Same": one}, "Thing")),
            ("b", document("/b", {"Thing": other, "Same": one}, "Thing")),
        ]
    )

    schemas = merged["components"]["schemas"]
    assert schemas[ref_of(merged, "/a")] == one
    assert schemas[ref_of(merged, "/b")] == other
    assert len(schemas) == 3


def test_what_is_internal_is_not_described() -> None:
    merged = merge([("a", document("/internal/a", {"T": {}}, "T"))])

    assert merged["paths"] == {}
