from libs.common.permissions import Permission
from libs.common.web.auth import Access
from services.gateway.domain.table import AccessTable, Entry


def entry(methods: str, template: str) -> Entry:
    return Entry("users", template, frozenset(methods.split()), Access(Permission.CASE_READ))


TABLE = AccessTable(
    [
        entry("GET", "/users/me"),
        entry("GET PUT", "/users/{user_id}"),
        entry("POST", "/users"),
        entry("GET", "/files/{path:path}"),
        entry("GET", "/a.b/{x}"),
    ]
)


def template(method: str, path: str) -> str | None:
    found = TABLE.find(method, path).entry
    return found.template if found else None


def test_an_exact_path_comes_before_a_template() -> None:
    assert template("GET", "/users/me") == "/users/me"
    assert template("GET", "/users/7") == "/users/{user_id}"


def test_a_parameter_is_one_segment_and_a_path_is_any_number() -> None:
    assert template("GET", "/users/7/8") is None
    assert template("GET", "/users/") is None
    assert template("GET", "/files/a/b/c.png") == "/files/{path:path}"
    assert template("GET", "/files/") is None


def test_a_template_is_no_pattern() -> None:
    assert template("GET", "/a.b/1") == "/a.b/{x}"
    assert template("GET", "/aXb/1") is None


def test_head_goes_where_get_goes() -> None:
    assert template("HEAD", "/users/7") == "/users/{user_id}"
    assert template("HEAD", "/users") is None


def test_another_method_learns_which_there_are() -> None:
    assert TABLE.find("DELETE", "/users/7").methods == {"GET", "PUT"}
    assert TABLE.find("GET", "/users").methods == {"POST"}
    assert TABLE.find("GET", "/nothing").methods == frozenset()


def test_an_entry_is_read_as_it_was_written() -> None:
    access = Access(Permission.AUDIT_READ, body=7, seconds=0.5, form=True, media="a/b")

    assert Access.from_json(access.to_json()) == access
