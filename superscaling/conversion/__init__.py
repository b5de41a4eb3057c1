"""Weight files to what the service loads. Needs TensorFlow and NNCF, so it runs in a process of its own."""
