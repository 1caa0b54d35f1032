"""Every line of the Lentune requirements, proved on a whole company in one process."""
