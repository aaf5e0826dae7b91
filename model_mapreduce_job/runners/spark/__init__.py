"""mrjob's Spark runner, made safe."""
