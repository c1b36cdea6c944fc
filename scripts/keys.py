"""Make the keyring and every service's signing key, where they are missing."""

from libs.common.cli import keep_to_owner, make_keys
from libs.common.settings import SERVICES, SharedSettings


def main() -> None:
    shared = SharedSettings()
    keep_to_owner(shared)
    make_keys(shared, "gateway", *SERVICES)
    print(f"keys are in {shared.keys.absolute()}: back them up, apart from the data")


if __name__ == "__main__":
    main()
