"""What the outside systems are called, as their makers write it."""

SYSTEMS = {"procore": "Procore", "lentune": "Lentune", "acumatica": "Acumatica", "sage_paperless": "Sage Paperless"}


def system_word(system: str) -> str:
    """"Sage Paperless" for sage_paperless."""
    return SYSTEMS.get(system, system.replace("_", " ").title())
