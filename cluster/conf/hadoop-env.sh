# Filled in by cluster.py.
export JAVA_HOME='${java_home}'
