"""Every question of Grafana's Dagster dashboard is one that Dagster's own tables answer."""

from __future__ import annotations

import json
import os

import dagster as dg
import psycopg2

from lyo_pipelines.config.settings import PROJECT_ROOT

DASHBOARD = PROJECT_ROOT / "docker/grafana/dashboards/dagster.json"


def test_every_question_of_the_dashboard_is_answered(on_postgres: dg.DagsterInstance) -> None:
    on_postgres.create_run_for_job(_job())
    place = {name: os.environ[f"LYO_PG_{name.upper()}"] for name in ("host", "port", "user", "password")}
    with psycopg2.connect(**place, dbname=os.environ["LYO_PG_DB"]) as connection, connection.cursor() as cursor:
        found = {}
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            cursor.execute(panel["targets"][0]["rawSql"])
            found[panel["title"]] = cursor.fetchall()
    connection.close()
    assert found["Runs by state, last day"] == [("NOT_STARTED", 1)]
    assert len(found) == 7


def _job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def looked_at() -> None:
        nothing()

    return looked_at
