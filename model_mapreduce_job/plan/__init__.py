"""What a run would find, take and cost, told without starting it."""
