"""Real Spark on this machine: pyspark's own master, workers and executors in separate processes.

A run is one child process with its own directory, `<root>/<run id>/`:

    request.json   what the child was asked to do
    outcome.json   how the application ended, written by the child as its last act
    eventlog/      Spark's event log, one zstd file
    spark.log      what the driver, its JVM and Spark's warnings had to say
    scratch/       shuffle files, temporary files, the application's output, and a SPARK_HOME of
                   links (else Spark writes into site-packages); gone after the run

The order of the modules, from the door inwards: `platform` (the port), `launch` (child
processes), `driver` and `request` (the child, and what it is told), `settings` (Spark's settings
for a cluster), `pinning` (a worker's cores are its own), `applications` (what runs), `workloads`
(their names), `data` and `generate` (TPC-DS and TPC-H), `software` (pyspark and Java), `machine`
(cores and memory), `failures` (readable messages), `lifeline` (no process left behind).
"""
