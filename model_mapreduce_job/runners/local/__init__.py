"""mrjob's inline and local runners, on an engine of this project's own."""
