"""mrjob's EMR runner, made safe."""
