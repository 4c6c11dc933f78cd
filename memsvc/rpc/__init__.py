"""The gRPC edge: server, interceptors, errors, conversion and the two servicers."""
