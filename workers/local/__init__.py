"""The local stack: Postgres, a broker and every process of the product on this one machine."""
