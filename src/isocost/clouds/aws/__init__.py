"""Amazon Web Services: where event logs lie in S3."""
