#!/bin/sh
# Run once by the Postgres image on an empty volume. The owner is an ordinary role: row-level security binds nobody who
# is a superuser. CREATEROLE, because the migrations make the role that the policies are bound to.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$OWNER_PASSWORD" -U "$POSTGRES_USER" -d postgres <<'SQL'
CREATE ROLE sitebooks LOGIN NOSUPERUSER CREATEROLE PASSWORD :'password';
CREATE DATABASE sitebooks OWNER sitebooks;
SQL
