#!/usr/bin/python3
"""Plays Loki: keeps what is pushed; GET /contains?TEXT says in how many pushed bodies the text is."""

import http.server
import threading
import urllib.parse

pushed = []


def unsnap(data):
    """Decompresses a raw snappy block."""
    position, shift, out = 0, 0, bytearray()
    while True:
        byte = data[position]
        position += 1
        shift += 7
        if byte < 128:
            break
    while position < len(data):
        tag = data[position]
        position += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[position : position + width], "little")
                position += width
            length += 1
            out += data[position : position + length]
            position += length
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[position]
            position += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[position : position + width], "little")
            position += width
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out)


class Loki(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text=""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        pushed.append(unsnap(body))
        self.answer(204)

    def do_GET(self):
        text = urllib.parse.unquote(urllib.parse.urlparse(self.path).query).encode()
        self.answer(200, str(sum(text in body for body in pushed)))

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 3100), Loki).serve_forever()
