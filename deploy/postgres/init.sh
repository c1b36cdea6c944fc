#!/usr/bin/env bash
# What an empty PostgreSQL needs before the first migration: two databases, and for each service a
# role that may sign in to one of them and owns one schema there. Run once: by the postgres image
# on its first start, or by hand (PGHOST, PGUSER …) against a server of your own.
#
# A role's password is the content of /run/secrets/<service>_db_password, else <SERVICE>_DB_PASSWORD.
set -euo pipefail

sql() { psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" "$@"; }

password_of() {
  local name="${1^^}_DB_PASSWORD" file="/run/secrets/$1_db_password"
  if [[ -r $file ]]; then cat "$file"; else printf '%s' "${!name:-}"; fi
}

database() {
  sql --dbname postgres -v name="$1" <<'SQL'
CREATE DATABASE :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  sql --dbname "$1" -c 'REVOKE ALL ON SCHEMA public FROM PUBLIC'
}

owner() { # service, database
  ROLE_PASSWORD="$(password_of "$1")"
  export ROLE_PASSWORD
  [[ -n $ROLE_PASSWORD ]] || { echo "init.sh: no password for the role of $1" >&2; exit 1; }
  # \getenv: a password on the command line could be read in the list of processes.
  sql --dbname "$2" -v role="$1" -v name="$2" <<'SQL'
\getenv password ROLE_PASSWORD
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
GRANT CONNECT ON DATABASE :"name" TO :"role";
CREATE SCHEMA :"role" AUTHORIZATION :"role";
ALTER ROLE :"role" IN DATABASE :"name" SET search_path = :"role";
SQL
}

sql --dbname postgres -c 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
database grievances_db
database helpdesk_db
for service in users grievance files; do owner "$service" grievances_db; done
for service in tasks chat; do owner "$service" helpdesk_db; done
