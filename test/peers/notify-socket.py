"""Listens as systemd does on $1 and prints each notification on a line (sd_notify(3)); file descriptors of barriers are closed."""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("ready", flush=True)
while True:
    message, descriptors, _, _ = socket.recv_fds(listener, 4096, 8)
    for descriptor in descriptors:
        os.close(descriptor)
    print(message.decode().replace("\n", " "), flush=True)
