"""The vault's own rules: licence, cloud sync, bridge, company, queue and behaviour, saved as a whole (S-01, S-02, S-08 to S-18, S-35, S-36)."""
