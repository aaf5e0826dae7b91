"""What mrjob's runners need so that the job keeps its promises on them."""
