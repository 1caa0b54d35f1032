"""A process that connects one more company to a running stack, as a person would; prints its id and its administrator's token."""

import json
import sys


def main() -> None:
    """The first argument: {"name", "site_id", "stands": {system: {"url", "credentials"}}, "settings": {system: {...}}}."""
    import workers.app  # noqa: F401  first: what follows publishes through it
    from cli import seed
    from settings.environment import environment
    from sync import connections

    told = json.loads(sys.argv[1])
    company = connections.new_company(told["name"], told["site_id"])
    for system, stand in told["stands"].items():
        seed.connect(company, system, stand, told["settings"].get(system, {}))
    print(json.dumps(seed.people(company, environment().public_url)))


if __name__ == "__main__":
    main()
