# SPDX-License-Identifier: Apache-2.0
"""An operator: speaks to the admin listener of a gateway with a token."""
import http.client
import json
import os


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        try:
            return self.json["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def message(self):
        return self.json["error"]["message"]

    def __repr__(self):
        return f"<Answer {self.status} {self.body[:400]!r}>"


class Operator:
    def __init__(self, gateway, token=None, data="data"):
        self.gateway = gateway
        self.data = os.path.join(gateway.world.folder, data)
        self.token = token or self.local_token()

    def local_token(self):
        with open(os.path.join(self.data, "admin.token"), encoding="ascii") as file:
            return file.read()

    def ask(self, method, target, body=None, token="", headers=(), host=None):
        """body: bytes as they are, anything else as JSON; token None sends none."""
        address, _, port = self.gateway.admin.split(",")[0].rpartition(":")
        connection = http.client.HTTPConnection(address, int(port), timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or self.gateway.admin)
            token = self.token if token == "" else token
            if token is not None:
                connection.putheader("Authorization", f"Bearer {token}")
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, target, **how):
        return self.ask("GET", target, **how)

    def put(self, target, body, **how):
        return self.ask("PUT", target, body, **how)

    def post(self, target, body=None, **how):
        return self.ask("POST", target, body if body is not None else b"", **how)

    def delete(self, target, **how):
        return self.ask("DELETE", target, **how)

    def new_token(self, **what):
        answer = self.post("/_wavegate/v1/tokens", what)
        assert answer.status == 201, answer
        return answer.json

    def audit(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = self.get("/_wavegate/v1/audit?limit=1000&" + query)
        assert answer.status == 200, answer
        return answer.json["rows"]
