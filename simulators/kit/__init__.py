"""What the simulators share: clock, requests, routes, ledger, faults, deliveries and the HTTP shell."""
