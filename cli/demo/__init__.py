"""The demo: the main job, start to finish, on pretend systems, checked against what the data set says must come of it."""
