"""What the noisy reading is made of: values with errors, their compression, and levels."""
