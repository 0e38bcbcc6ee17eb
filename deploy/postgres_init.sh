#!/bin/sh
# The postgres image runs this once, when its data folder is new. It makes MLflow a user and a database of its own, in which it
# may do everything, and keeps it and everybody else out of the database with the leads.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$MLFLOW_DB_PASSWORD" --set leads="$POSTGRES_DB" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE mlflow LOGIN PASSWORD :'password';
CREATE DATABASE mlflow OWNER mlflow;
REVOKE CONNECT ON DATABASE :"leads" FROM PUBLIC;
SQL
