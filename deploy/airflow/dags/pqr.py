"""The two DAGs of PQR Lakehouse for an Airflow 3 or 2.10 whose environment has the package (pip install 'pqr_lakehouse[airflow]').

Where the lake is: PQR_LAKE_URI and PQR_CONTROL_URI of the workers, or a connection: operator={"conn_id": "pqr"}.
They need a pool once: airflow pools set pqr_lake 1 "Runs of one lake" --include-deferred
"""

from pqr_lakehouse.airflow import lakehouse_bronze_to_gold, pqrs_etl

bronze_to_gold = lakehouse_bronze_to_gold()
etl = pqrs_etl()  # input=["/srv/pqr/in/{date-1}.jsonl"], catchup=True: day after day from files; deadline=timedelta(hours=3)
