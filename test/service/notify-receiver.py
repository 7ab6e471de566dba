# The socket that systemd gives to a service: prints every message as one line of JSON.
import json, os, socket, sys

path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(path)
print(json.dumps({"listening": path}), flush=True)
while True:
    message, _, _, _ = receiver.recvmsg(65536, 4096)
    print(json.dumps({"lines": message.decode().splitlines()}), flush=True)
