"""What tests are made of: a stage for one service, and private servers. Not part of any image."""
