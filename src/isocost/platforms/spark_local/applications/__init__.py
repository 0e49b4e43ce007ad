"""What the platform runs: functions of a Spark session, real data and a directory for output."""
