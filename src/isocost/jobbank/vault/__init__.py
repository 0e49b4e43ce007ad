"""Applications recorded on real Spark, as workloads that the simulated cluster runs at any size.

`distil` (a run profile → a workload; `distil_stage` for one stage), `recording` (a workload with
where it came from), `growth` (a recording → the same application on gigabytes to tens of
terabytes), `archive` (recordings ↔ the bytes of one file), `shelf` (the recordings that ship, and
the user's own), `shape` and `drawing` (what a person sees in the terminal), `page` (the same as a
page with plots).
"""
