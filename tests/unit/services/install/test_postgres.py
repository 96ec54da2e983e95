"""The role script on a real PostgreSQL: it may run any number of times, and brings new passwords in."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from database import PostgresServer
from require import require

from services.install.postgres import ROLES

GRAFANA_ROLE, OWNER = "gengfu_grafana", "roles_owner"


def run(server: PostgresServer, directory: Path) -> None:
    require(shutil.which("psql"), "psql is not installed (Debian: apt-get install postgresql)")
    (directory / "10-roles.sh").write_text(ROLES)
    env = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "GENGFU_SECRETS_DIR": str(directory)}
    env |= {"POSTGRES_USER": OWNER, "POSTGRES_DB": "roles"}
    subprocess.run(["sh", str(directory / "10-roles.sh")], env=env, check=True, capture_output=True, text=True)


def test_grafanas_role_reads_its_schema_and_nothing_else(tmp_path: Path, postgres_server: PostgresServer) -> None:
    postgres_server.execute("DROP DATABASE IF EXISTS roles")
    postgres_server.execute(f"CREATE ROLE {OWNER} LOGIN SUPERUSER")
    postgres_server.execute(f"CREATE DATABASE roles OWNER {OWNER}")
    try:
        for word in ("first", "o'ther \\ $(id)"):
            (tmp_path / "postgres_password").write_text("own")
            (tmp_path / "postgres_grafana_password").write_text(word)
            run(postgres_server, tmp_path)
        hashes = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{GRAFANA_ROLE}'"
        address = f"host=127.0.0.1 port={postgres_server.port} dbname=roles"
        with psycopg.connect(f"{address} user={OWNER}") as connection:
            (stored,) = connection.execute(hashes.encode()).fetchone() or ("",)
            assert stored.startswith("SCRAM-SHA-256$")
            connection.execute("CREATE TABLE public.alert (id int)")
            connection.execute("CREATE SCHEMA grafana")
            connection.execute("CREATE VIEW grafana.alert AS SELECT 1 AS id")
            connection.execute(f"GRANT USAGE ON SCHEMA grafana TO {GRAFANA_ROLE}".encode())
            connection.execute(f"GRANT SELECT ON grafana.alert TO {GRAFANA_ROLE}".encode())
        with psycopg.connect(f"{address} user={GRAFANA_ROLE}", autocommit=True) as connection:
            assert connection.execute("SELECT id FROM alert").fetchone() == (1,)
            assert connection.execute("SHOW temp_file_limit").fetchone() == ("1GB",)
            for refused in (
                "SELECT * FROM public.alert",
                "CREATE TABLE public.x (id int)",
                "CREATE TEMP TABLE x (id int)",
                "SET temp_file_limit = -1",
            ):
                with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                    connection.execute(refused.encode())
        postgres_server.execute("CREATE ROLE stranger LOGIN")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(f"{address} user=stranger")
    finally:
        postgres_server.execute("DROP DATABASE roles WITH (FORCE)")
        for role in ("stranger", OWNER, GRAFANA_ROLE):
            with suppress(psycopg.errors.DependentObjectsStillExist):  # another test's database knows Grafana's role
                postgres_server.execute(f"DROP ROLE IF EXISTS {role}")
