"""What is not collected for doctests: a file that is MLflow's to load, and that loads all of MLflow with its warnings."""

collect_ignore = ["http_rival.py"]
