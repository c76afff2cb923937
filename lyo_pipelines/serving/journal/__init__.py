"""What the gateway accepted, on the disk before it was answered, and from there into the inbox. Who answered what, others decide."""
