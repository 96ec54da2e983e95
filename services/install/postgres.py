"""What PostgreSQL runs when its volume is new, and again when a password has changed."""

from typing import Final

ROLES: Final = r"""#!/bin/sh
# Made by `gengfu init`: the role Grafana reads with, and the passwords of both roles from their files.
# Runs by itself when the database is made. After a password was rotated: docs/operations/security.md
(
set -eu
secrets="${GENGFU_SECRETS_DIR:-/run/secrets}"
own_password="$(cat "$secrets/postgres_password")"
grafana_password="$(cat "$secrets/postgres_grafana_password")"
export own_password grafana_password
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv own POSTGRES_USER
\getenv database POSTGRES_DB
\getenv own_password own_password
\getenv grafana_password grafana_password
BEGIN;
SELECT 'CREATE ROLE gengfu_grafana' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gengfu_grafana') \gexec
ALTER ROLE gengfu_grafana WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 20
  PASSWORD :'grafana_password';
ALTER ROLE gengfu_grafana SET default_transaction_read_only = on;
ALTER ROLE gengfu_grafana SET statement_timeout = '30s';
ALTER ROLE gengfu_grafana SET search_path = grafana;
-- Whoever may look at a board may ask anything: no question fills the disk.
ALTER ROLE gengfu_grafana SET temp_file_limit = '1GB';
ALTER ROLE :"own" WITH PASSWORD :'own_password';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO gengfu_grafana;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
COMMIT;
SQL
)
"""
