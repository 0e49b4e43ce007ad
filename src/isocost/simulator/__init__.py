"""A Spark cluster in memory: a workload, a cluster and a seed in; run, event log and bill out."""
