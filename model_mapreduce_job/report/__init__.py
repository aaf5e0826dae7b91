"""What is made of what runs leave: profiles are merged, compared and shown, and predictions evaluated."""
