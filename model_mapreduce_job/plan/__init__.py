"""--plan: estimates what a run would read, take and cost, without starting it."""
