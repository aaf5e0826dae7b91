"""mrjob's Hadoop runner, made safe."""
