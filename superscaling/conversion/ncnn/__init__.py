"""ncnn's models: reading their two files, and their layers as OpenVINO's operations."""
