"""What is known of the devices themselves: heard when, online or not, what of theirs never arrived."""
