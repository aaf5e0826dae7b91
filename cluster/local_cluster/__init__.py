"""A pseudo-distributed Hadoop and a standalone Spark: daemons of this machine alone, on 127.0.0.1."""
