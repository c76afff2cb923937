#!/bin/sh
# Secrets come as files (/run/secrets/lyo_pg_password, …) and are variables of this process alone: they stand in no image, no compose
# file and no `docker inspect`.
set -eu
for file in /run/secrets/lyo_*; do
    [ -f "$file" ] || continue
    name=$(basename "$file" | tr '[:lower:]' '[:upper:]')
    export "$name=$(cat "$file")"
done
exec "$@"
