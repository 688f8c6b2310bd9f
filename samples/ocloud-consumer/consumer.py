#!/usr/bin/env python3
# Copyright 2026 The eventing-ptp Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A consumer of the O-Cloud notification API, with nothing but Python's standard library.

It subscribes to everything that the node's adapter has, and prints it until it is stopped.
"""

import argparse
import json
import signal
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Notifications(BaseHTTPRequestHandler):
    """Prints notifications. Any 2xx takes one; with another status it would come again."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = json.loads(body)
            for value in event["data"]["values"]:
                print(event["time"], event["source"], value["ResourceAddress"], value["value"], flush=True)
        except (ValueError, KeyError):
            self.send_response(400)
        else:
            self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def subscribe(api, endpoint, resource):
    """Returns where the subscription is: a new one, or the one that is left of the last time."""
    body = json.dumps({"EndpointUri": endpoint, "ResourceAddress": resource}).encode()
    request = urllib.request.Request(api + "/subscriptions", data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.headers["Location"]
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        if error.code == 409:
            return problem["UriLocation"]
        sys.exit(f"subscribe: {error.code}: {problem['detail']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--api", default="http://localhost:9043/ocloudNotifications/v2", help="URL of the node's API")
    parser.add_argument("--port", type=int, default=9085, help="port to listen on")
    parser.add_argument("--endpoint", help="URL at which the API reaches that port")
    parser.add_argument("--resource", default="/././sync", help="address of what to be told of")
    arguments = parser.parse_args()

    # Listen first: the API tells what holds before it answers the subscription.
    server = ThreadingHTTPServer(("", arguments.port), Notifications)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = arguments.endpoint or f"http://localhost:{server.server_port}/event"
    location = subscribe(arguments.api, endpoint, arguments.resource)
    print("subscribed", location, flush=True)

    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    urllib.request.urlopen(urllib.request.Request(location, method="DELETE"), timeout=2).close()


if __name__ == "__main__":
    # Every thread is made with these held back, so that none of them but sigwait gets one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
