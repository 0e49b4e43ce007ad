"""The rows of an experiment's tables in, `docs/reference/experiment-tables.md` out.

Write it anew with: python -m tools.experiment_tables
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from isocost.jobbank.tables import TABLES, Column, Row, columns_of

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "experiment-tables.md"
_HEAD: Final = """# Tables of an experiment

What `isocost bank export` writes, generated from the rows themselves. Write this page anew with \
`python -m tools.experiment_tables`.

```
isocost bank export nightly --to tables
```

Four Parquet files appear in the directory at once, or none: `trials.parquet`, `runs.parquet`, \
`predictions.parquet` and `stages.parquet`. DuckDB, pandas and Spark read them; each column says \
in the file's schema what it means, as here. A number that is not known is null, never zero. \
Units are part of each name; times are UTC; ratios and fractions are plain numbers, 0.1 for 10 %.

`trials` has a row for every trial of the plan, begun or not: `state` says how far it has come, \
and `run_count` how many of its runs are in the tables.

What a policy without a model (`static`, `random`) expects of a run is a guess: leave it out of \
questions about predictions with `policy in ('engine', 'bayes')`.

Median error by workload, the worst first:

```sql
select workload, median(abs(error_fraction)) as error, avg(is_in_80::int) as inside
from 'tables/predictions.parquet' where policy = 'engine'
group by workload order by error desc
```

What runs after the cold start cost, by whether the deadline was kept:

```sql
select runs.policy, runs.is_late, count(*) as runs, sum(runs.list_usd) as usd
from 'tables/runs.parquet' as runs join 'tables/trials.parquet' as trials using (trial_id)
where runs.ordinal > 0 and trials.state = 'succeeded' group by all order by all
```
"""
_TYPES: Final = {
    str: "string",
    int: "int64",
    float: "double",
    bool: "bool",
    datetime: "timestamp[us, UTC]",
}


def page() -> str:
    """Return the reference page."""
    lines = [_HEAD]
    for name, row in TABLES.items():
        lines += _table(name, row)
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, row: type[Row]) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield (row.__doc__ or "").strip()
    yield ""
    yield "| Column | Type | Meaning |"
    yield "|---|---|---|"
    for column in columns_of(row):
        yield f"| `{column.name}` | {_type(column)} | {column.meaning} |"
    yield ""


def _type(column: Column) -> str:
    return _TYPES[column.kind] + (" or null" if column.is_nullable else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
